"""Every byte of a small bundle changed, removed and preceded by another: is each found and named?

    python -m tests.node.audit.tamper [--every N] [--seed S]

Each byte is changed to another one, drawn by the seed, is taken out, gets one put before it, and is
where the bundle is cut off. It ends with 1 where any of that is not found; `--every 50` looks at
one byte of fifty. The tests do the same for some bytes that hypothesis draws.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.node.audit.bundles import check, exported, kinds


def changed(whole: bytes, at: int, other: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what can be done to one byte, and the bundle after it."""
    yield "changed", whole[:at] + other + whole[at + 1 :]
    yield "removed", whole[:at] + whole[at + 1 :]
    yield "inserted", whole[:at] + other + whole[at:]
    yield "cut", whole[:at]


def run(whole: bytes, every: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Return how often each thing was done and each kind was found, and what was not found."""
    chance = random.Random(seed)  # noqa: S311 - a test's choice, no secret
    tally: Counter[str] = Counter()
    missed = []
    for at in range(0, len(whole), every):
        other = bytes([chance.choice([byte for byte in range(256) if byte != whole[at]])])
        for how, content in changed(whole, at, other):
            found = check(content)
            tally[how] += 1
            tally.update(f"named {kind}" for kind in set(kinds(found)))
            if found.verdict != "INVALID" or not found.findings:
                missed.append(f"byte {at} {how}")
    return tally, missed


def main() -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="look at one byte of so many")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        whole = asyncio.run(exported(Path(folder))).read_bytes()
    began = time.perf_counter()
    tally, missed = run(whole, options.every, options.seed)
    for name, times in sorted(tally.items()):
        sys.stdout.write(f"{name:40}{times:>10,}\n")
    seconds = time.perf_counter() - began
    sys.stdout.write(f"a bundle of {len(whole):,} bytes in {seconds:.0f} s\n")
    sys.stdout.write("".join(f"not found: {one}\n" for one in missed))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
