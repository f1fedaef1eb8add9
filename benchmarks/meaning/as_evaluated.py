"""The tables of `interlingua evaluate` for models that it cannot open by itself.

    python -m benchmarks.meaning.as_evaluated --help

Everything is the verb's own code; only the models are opened as `benchmarks.adapters.models` does.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.meaning.members import fewer, members
from node.evaluate.data_set import read
from node.evaluate.evaluation import Plan, evaluate
from node.evaluate.tables import as_markdown
from node.operations.registry import silent
from node.spaces.anchor_files import read_anchors


def main() -> None:
    """Evaluate what the arguments name, and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.meaning.as_evaluated")
    parser.add_argument("--data", type=Path, required=True, help="data set in BEIR's layout")
    parser.add_argument("--anchors", type=Path, required=True, help="JSONL of public texts")
    parser.add_argument("--encoder", action="append", required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder where vectors are kept")
    parser.add_argument("--most", type=int, default=4000, help="anchors at most")
    parser.add_argument("--silos", type=int, help="default: one for each model")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file")
    chosen = parser.parse_args()
    data, anchors = read(chosen.data), read_anchors(chosen.anchors)
    everything = members(chosen.encoder, anchors, data, chosen.cache)
    part, known = fewer(anchors, everything, chosen.most)
    plan = Plan(("random", "topic"), chosen.silos or len(known), k=10, seed=0)
    found = evaluate(chosen.data.resolve().name, data, part, known, plan, silent)
    chosen.out.write_text(as_markdown(found), "utf-8")


if __name__ == "__main__":
    main()
