"""What the comparisons of this folder run on: a data set, anchors, and models of both."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from benchmarks.meaning.members import fewer, members
from node.evaluate.data_set import read
from node.evaluate.member import Member
from node.evaluate.routes import Judge
from node.spaces.anchor_files import read_anchors
from node.spaces.anchor_set import AnchorSet


@dataclass(frozen=True)
class Given:
    """The anchors that take part, every model as a member, and who judges what is found."""

    anchors: AnchorSet
    members: list[Member]
    judge: Judge


def given(module: str) -> Given:
    """Read the command line of a benchmark, encode what is not cached, and return it all."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.adapters.{module}")
    parser.add_argument("--data", type=Path, required=True, help="data set in BEIR's layout")
    parser.add_argument("--anchors", type=Path, required=True, help="JSONL of public texts")
    parser.add_argument("--most-anchors", type=int, default=4000)
    parser.add_argument("--encoder", action="append", required=True, help="two or more")
    parser.add_argument("--cache", type=Path, required=True, help="folder where vectors are kept")
    chosen = parser.parse_args()
    data, anchors = read(chosen.data), read_anchors(chosen.anchors)
    everyone = members(chosen.encoder, anchors, data, chosen.cache)
    part, known = fewer(anchors, everyone, chosen.most_anchors)
    return Given(part, known, Judge(data))
