"""Run it: `python -m benchmarks.adapters --help`. What is kept of meaning: `benchmarks.meaning`."""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict

import numpy as np

from benchmarks.adapters.speed import Applied, Fitted, applied, fitted


def main() -> None:
    """Time a map and a fit; two lines and, with --json, one JSON object."""
    chosen = _arguments().parse_args()
    speed, fits = applied(), fitted(chosen.pairs)
    _show(speed, fits)
    if chosen.json:
        report = {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "threads": os.environ.get("OMP_NUM_THREADS", "default"),
            "processors": os.cpu_count(),
            "apply": asdict(speed),
            "fit": asdict(fits),
        }
        print(json.dumps(report))


def _show(speed: Applied, fits: Fitted) -> None:
    print(
        f"one {speed.width} -> {speed.width} question: {speed.apply_us:.1f} us, bare product"
        f" {speed.product_us:.1f} us, so {speed.over_us:.1f} us over it"
        f" (medians {speed.apply_median_us:.1f} and {speed.product_median_us:.1f});"
        f" through a mixture of five {speed.mixture_us:.0f} us"
    )
    print(
        f"{fits.pairs} pairs of {fits.width}: {fits.candidates} maps fitted in {fits.fit_s:.1f} s,"
        f" chosen by 1000 known items in {fits.choose_s:.1f} s"
        f" (processor: {fits.processor_s:.1f} s for both), {fits.memory_mb:.0f} MB more"
    )


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapters", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20_000, help="pairs for the timed fit")
    parser.add_argument("--json", action="store_true", help="one JSON object after the lines")
    return parser


if __name__ == "__main__":
    main()
