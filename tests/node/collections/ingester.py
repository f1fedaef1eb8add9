"""A process that ingests until it is done or killed, and tells of each step.

Tells `-1` when the rooms are open, N after N documents. Then it may delete ten documents after the
other from the front, compacting each time; it tells `-1` before it does, and again N after N.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from tests.forked import forking
from tests.node.collections.rooms import opened, records, unseen, vectors

BEGUN = -1


async def ingest(directory: Path, count: int, delete: bool, tells: Connection) -> None:
    """Ingest so many documents, into a collection that the first process makes."""
    async with opened(directory) as rooms:
        if not rooms.collections.all():
            await rooms.collection()
        collection = rooms.collections.get("papers")
        tells.send(BEGUN)
        rows = records(vectors(count))
        await collection.ingest(rows, count, lambda done, _total, _what: tells.send(done))
        await collection.settle(unseen)
        if not delete:
            return
        tells.send(BEGUN)
        for first in range(0, count, 10):
            await collection.delete(f"d{number}" for number in range(first, first + 10))
            tells.send(first + 10)
            await collection.compact(unseen)


def run(directory: Path, count: int, delete: bool, tells: Connection) -> None:
    """Be such a process."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(ingest(directory, count, delete, tells))


@contextmanager
def ingesting(
    directory: Path, count: int, then_s: float, *, delete: bool = False
) -> Iterator[Connection]:
    """Give what one tells; at the end, a moment after, it is killed."""
    context = forking()
    here, there = context.Pipe(duplex=False)
    with here:
        child = context.Process(target=run, args=(directory, count, delete, there))
        child.start()
        there.close()  # or nobody would be told that the child has ended
        yield here
        time.sleep(then_s)
        child.kill()
        child.join()
