"""What a partner can take out of a collection through its grant, against questions asked.

    python -m benchmarks.extraction [--documents 2000] [--seeds 3] [--json]

Plays a partner that enumerates the collection and one that reconstructs a record's vector, without
control and with each control that might stop it (`plan.py`). docs: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.extraction.knowledge import Encoded, Field, Prior, Synthetic
from benchmarks.extraction.plan import ENUMERATIONS, RECONSTRUCTIONS, Case
from benchmarks.extraction.play import Curve, enumerate_once, reconstruct_once
from benchmarks.extraction.silo import Silo, silo
from benchmarks.one_node.synthetic import Shape
from node.config import Log
from node.logging import configure


def field_of(options: argparse.Namespace, seed: int, folder: Path) -> Field:
    """The collection of one seed."""
    if options.data is not None:
        return Encoded.read(options.data, options.encoder, options.cache or folder, seed)
    shape = Shape(
        documents=options.documents, dimension=options.dimension, intrinsic=options.intrinsic,
        clusters=options.clusters, seed=seed,
    )  # fmt: skip
    return Synthetic(shape, options.public)


async def play_seed(options: argparse.Namespace, seed: int, folder: Path) -> list[dict[str, Any]]:
    """Found a clinic and play every case against it."""
    known = field_of(options, seed, folder)
    prior = Prior.of(known.public)
    runs: list[dict[str, Any]] = []
    async with silo(folder, known.documents) as clinic:
        for kind, cases, budgets in (
            ("enumerate", ENUMERATIONS, options.enumerate),
            ("reconstruct", RECONSTRUCTIONS, options.reconstruct),
        ):
            for case in cases:
                said = f"{kind} {case.attack} {case.title}"
                if options.only and not any(one in said for one in options.only):
                    continue
                began = time.perf_counter()
                curve = await _play(kind, clinic, known, prior, case, budgets, seed)
                print(
                    f"seed {seed}, {said}: {time.perf_counter() - began:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
                if curve is not None:
                    runs.append({"kind": kind, "attack": case.attack, "control": case.title,
                                 "seed": seed, "budgets": budgets, **asdict(curve)})  # fmt: skip
    return runs


async def _play(
    kind: str, clinic: Silo, known: Field, prior: Prior, case: Case, budgets: list[int], seed: int
) -> Curve | None:
    if kind == "enumerate":
        return await enumerate_once(clinic, known, case, budgets, seed)
    return await reconstruct_once(clinic, known, prior, case, budgets, seed)


def table(runs: list[dict[str, Any]]) -> str:
    """The figures for people: means over seeds, and where the partner was stopped."""
    lines: list[str] = []
    for kind, value in (("enumerate", "share seen"), ("reconstruct", "cosine to the truth")):
        of_kind = [run for run in runs if run["kind"] == kind]
        if not of_kind:
            continue
        budgets = of_kind[0]["budgets"]
        heads = "".join(f" {budget:,} |" for budget in budgets)
        lines += [
            "",
            f"{value} after so many vectors asked; mean (least to most) over seeds",
            "",
            f"| {kind} | control | first question |{heads} refused |",
            "| --- " * (4 + len(budgets)) + "|",
        ]
        for attack, control in dict.fromkeys((r["attack"], r["control"]) for r in of_kind):
            same = [r for r in of_kind if (r["attack"], r["control"]) == (attack, control)]
            values = np.array([run["values"] for run in same])
            first = np.mean([run["first"] for run in same])
            cells = "".join(f" {_cell(column)} |" for column in values.T)
            stops = {run["stopped"] for run in same} - {None}
            spent = np.mean([run["spent"] for run in same])
            end = f"{spent:,.0f}: {', '.join(sorted(stops))}" if stops else ""
            away = sum(run["turned_away"] for run in same) / sum(run["spent"] for run in same)
            end += f"{away:.0%} of all, as too near" if away else ""
            lines.append(f"| {attack} | {control} | {first:.3f} |{cells} {end} |")
    return "\n".join(lines[1:])


def _cell(values: Any) -> str:
    spread = f" ({values.min():.2f} to {values.max():.2f})" if len(values) > 1 else ""
    return f"{values.mean():.3f}{spread}"


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--intrinsic", type=int, default=24, help="dimension of the meanings")
    parser.add_argument("--clusters", type=int, default=100)
    parser.add_argument("--public", type=int, default=1_000, help="texts the partner holds")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--enumerate", type=_budgets, default="100,500,2000")
    parser.add_argument("--reconstruct", type=_budgets, default="50,500,2000,4000")
    parser.add_argument(
        "--only", action="append", help="cases whose kind, attack and control contain this"
    )
    parser.add_argument("--data", type=Path, help="a data set in BEIR's layout, instead")
    parser.add_argument("--encoder", default="sklearn-word:128", help="with --data")
    parser.add_argument("--cache", type=Path, help="a folder that keeps its vectors, with --data")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    configure(Log(level="error", format="text"))  # standard output is for figures
    runs: list[dict[str, Any]] = []
    for seed in range(1, options.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            runs += asyncio.run(play_seed(options, seed, Path(folder)))
    print(json.dumps({"runs": runs}) if options.json else table(runs))


def _budgets(said: str) -> list[int]:
    return sorted(int(number) for number in said.split(","))


if __name__ == "__main__":
    main()
