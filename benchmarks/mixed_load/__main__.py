"""Everything at once: questions, ingestion, key rotation, a partner that flaps.

    python -m benchmarks.mixed_load --minutes 60 [--folder DIR] [--json]

Three nodes run as processes of their own. Askers ask both partners of the lab through its admin
socket; the clinic's documents are replaced again and again; signing keys are rotated; one partner
hangs, ends and is killed in turn, and comes back. Ends with exit code 1 where memory was not flat
or something came of a question that is not stated (`benchmarks.mixed_load.actors.STATED`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.mixed_load.founding import SHAPE
from benchmarks.mixed_load.play import Outcome, Play, play
from node.config import Log
from node.logging import configure


def main() -> None:
    """Play it, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--askers", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where the nodes lie (default: temporary)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    configure(Log(level="warning", format="text"))  # standard output is for figures
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        wanted = Play(Path(folder) / "nodes", SHAPE, chosen.minutes * 60, chosen.askers)
        outcome = play(wanted)
    print(json.dumps(outcome.told(), indent=1) if chosen.json else _lines(outcome))
    sys.exit(0 if outcome.well else 1)


def _lines(outcome: Outcome) -> str:
    lines = [f"{outcome.seconds / 60:.1f} minutes"]
    lines += [f"{count:8,} {what}" for what, count in sorted(outcome.counts.items())]
    for name, memory in outcome.memory.items():
        lines.append(
            f"{name}: {memory['begins_mb']:.0f} MB once warm, {memory['rise']:+.1%} by the end "
            f"({memory['bytes_per_second']:+,.0f} bytes a second)"
        )
    lines += [f"not stated: {error}" for error in outcome.errors[:20]]
    if len(outcome.errors) > 20:
        lines.append(f"and {len(outcome.errors) - 20} more")
    verdict = "flat memory, and nothing that is not stated" if outcome.well else "NOT as wanted"
    return "\n".join([*lines, verdict])


if __name__ == "__main__":
    main()
