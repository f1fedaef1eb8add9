"""All figures of speed in one run, with ratios; what was measured before is not measured again.

    python -m benchmarks.speed --plan quick|full [--folder DIR] [--only PART,...] [--again]

Parts: `node-N` (one node with N documents: single questions, signed batches, bare hnswlib),
`stages` (where the time of a question goes), `chroma` and `pgvector` (the same load on them),
`ingestion` (documents a second, memory, disk, start), `fan-out` (many partners). Writes one JSON
object and prints tables.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.speed.parts import Bench
from benchmarks.speed.plan import PLANS
from benchmarks.speed.ratios import ratios
from benchmarks.speed.report import report
from node.config import Log
from node.logging import configure


def main() -> None:
    """Measure, write the figures and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--plan", choices=PLANS, default="quick")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="nodes and parts")
    parser.add_argument("--only", help="these parts, between commas")
    parser.add_argument("--again", action="store_true", help="measure them anew; nodes are kept")
    parser.add_argument("--out", type=Path, help="file for the figures (default: in the folder)")
    chosen = parser.parse_args()
    configure(Log(level="warning", format="text"))  # standard output is for figures
    plan = PLANS[chosen.plan]
    bench = Bench(plan, chosen.folder)
    parts = plan.parts if chosen.only is None else tuple(chosen.only.split(","))
    if unknown := set(parts) - set(plan.parts):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(plan.parts)}")
    if chosen.again:
        bench.forget(parts)
    figures = bench.run(parts)
    figures["ratios"] = ratios(figures["parts"], plan.main)
    out = chosen.out or chosen.folder / plan.name / "speed.json"
    out.write_text(json.dumps(figures, indent=1) + "\n")
    print(report(figures))


if __name__ == "__main__":
    main()
