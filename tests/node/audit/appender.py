"""A process that appends under load and prints every acknowledged receipt, to be killed.

``python -m tests.node.audit.appender LOG SEED`` appends from eight tasks until it dies; a line on
standard output is one receipt that ``append`` returned: index, leaf hash, tree size, root.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from protocol.checkpoint import open_checkpoint
from protocol.merkle import leaf_hash
from protocol.tlog_proof import parse_proof
from tests.node.audit.entries import ORIGIN, exchange, opened

TASKS = 8


async def run(path: Path, seed: int) -> None:
    """Append for ever; numbers are unique over all runs of one log."""
    numbers = itertools.count(seed * 1_000_000)
    async with opened(path) as log:

        async def one() -> None:
            for number in numbers:
                receipt = await log.append(
                    exchange(number, documents=(number % 50, 50 + number % 7))
                )
                note = parse_proof(receipt.proof).checkpoint
                head = open_checkpoint(note, ORIGIN, log.verifier_key)
                line = (
                    f"{receipt.index} {leaf_hash(receipt.leaf).hex()} {head.size} {head.root.hex()}"
                )
                sys.stdout.write(line + "\n")
                sys.stdout.flush()

        await asyncio.gather(*(one() for _ in range(TASKS)))


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
