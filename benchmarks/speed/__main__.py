"""All figures of speed in one run, with ratios; what was measured before is not measured again.

    python -m benchmarks.speed --plan quick|full [--folder DIR] [--only PART,...] [--again]
        [--results DIR]

Parts: `node-N` (one node with N documents: single questions, signed batches, bare hnswlib),
`stages` (where the time of a question goes), `chroma` and `pgvector` (the same load on them),
`ingestion` (documents a second, memory, disk, start), `while-ingesting` (questions meanwhile),
`fan-out` (many partners). Writes one JSON object and prints tables.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.pages import write_into
from benchmarks.speed.parts import Bench
from benchmarks.speed.pictures import draw
from benchmarks.speed.plan import PLANS
from benchmarks.speed.ratios import ratios
from benchmarks.speed.report import report
from node.config import Log
from node.logging import configure


def main() -> None:
    """Measure, write the figures and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--plan", choices=PLANS, default="quick")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="nodes and figures")
    parser.add_argument("--only", help="these parts, between commas")
    parser.add_argument("--again", action="store_true", help="measure them anew; nodes are kept")
    parser.add_argument(
        "--results", type=Path, help="folder of speed.json, pictures and README.md to write too"
    )
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
    tables = report(figures)
    for folder in filter(None, (chosen.folder, chosen.results)):
        (folder / "speed.json").write_text(json.dumps(figures, indent=1) + "\n")
    if chosen.results is not None:
        pictures = [f"![{path.stem}]({path.name})" for path in draw(figures, chosen.results)]
        page = chosen.results / "README.md"
        write_into(page, "benchmarks.speed", "\n\n".join([tables, *pictures]))
    print(tables)
    sys.exit(1 if figures["failed"] else 0)


if __name__ == "__main__":
    main()
