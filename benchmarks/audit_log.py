"""How fast the audit log appends, proves, checks, and how much room an entry takes.

    python -m benchmarks.audit_log [--entries 6000] [--folder DIR]

Each entry is an answered question with its signed request, a nonce, a stored answer, a debit and
ten exposures: the most that a commit carries. Folder and file system decide what an fsync costs.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from node.audit.fsck import fsck
from node.audit.verify import verify_log
from node.operations.registry import silent
from tests.node.audit.entries import exchange, opened
from tests.node.audit.test_verify import KNOWING

EXPOSURES = 10


async def append(path: Path, appenders: int, entries: int, first: int) -> tuple[float, list[float]]:
    """Return (entries a second, each append's seconds)."""
    made = [
        exchange(n, documents=tuple(range(EXPOSURES * n, EXPOSURES * (n + 1))))
        for n in range(first, first + entries)
    ]
    rest, seconds = iter(made), []
    async with opened(path) as log:

        async def one() -> None:
            for entry in rest:
                began = time.perf_counter()
                await log.append(entry)
                seconds.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(appenders)))
        return entries / (time.perf_counter() - began), seconds


async def prove(path: Path, proofs: int = 500) -> float:
    """Return the median seconds of one inclusion proof from the file."""
    seconds = []
    async with opened(path) as log:
        size = log.size()
        for n in range(proofs):
            began = time.perf_counter()
            log.receipt(n * size // proofs)
            seconds.append(time.perf_counter() - began)
    return median(seconds)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=6_000, help="per number of appenders")
    parser.add_argument("--folder", type=Path, help="where the log lies (default: temporary)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "log.db"
        for run, appenders in enumerate((1, 16, 32, 128)):
            rate, seconds = asyncio.run(
                append(path, appenders, options.entries, run * options.entries)
            )
            slow = quantiles(seconds, n=100)[98]
            say(
                f"{appenders:4} appenders  {rate:8.0f} appends/s  "
                f"median {median(seconds) * 1e3:.2f} ms  p99 {slow * 1e3:.2f} ms"
            )
        say(f"one inclusion proof  {asyncio.run(prove(path)) * 1e3:.3f} ms")
        leaves = 4 * options.entries
        say(f"room                 {path.stat().st_size / leaves:.0f} bytes an entry")
        for name, check in (
            ("fsck  ", lambda: fsck(path, silent)),
            ("verify", lambda: verify_log(path, KNOWING, silent)),
        ):
            began = time.perf_counter()
            check()
            taken = time.perf_counter() - began
            say(f"{name}               {taken / leaves * 1e6:.1f} us a leaf")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
