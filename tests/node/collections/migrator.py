"""A process that migrates a collection until it is killed, and tells of each step."""

import asyncio
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from node.collections.switching import Reason
from node.ingest.record import Record
from node.store.switch_rows import Switch
from node.store.version_rows import VersionRow
from tests.forked import forking
from tests.node.collections.models import add_model
from tests.node.collections.rooms import opened, unseen

COUNT = 600


def text(number: int, edition: int = 0) -> str:
    """The words of a document, no two alike."""
    return f"paper number {number} about thing{number} in edition{edition}"


async def migrate(directory: Path, tells: Connection) -> None:
    """Begin or go on; the first process makes the collection."""
    async with opened(directory) as rooms:
        add_model(rooms.encoders, "old", 1)
        add_model(rooms.encoders, "new", 2)
        if not rooms.collections.all():
            made = await rooms.collections.create("papers", "old")
            records = [Record(f"d{n}", str(n), text=text(n)) for n in range(COUNT)]
            await made.ingest(records, COUNT, unseen)
        collection = rooms.collections.get("papers")

        async def append(
            switch: Switch, row: VersionRow, documents: int, guard: Callable[[], None]
        ) -> None:
            del switch, row, documents
            guard()

        if not collection.standing.aside:
            await collection.switching(append).begin(rooms.encoders.get("new"), 0, Reason(None))
        (version,) = collection.standing.aside
        tells.send_bytes(b"begun")
        await collection.backfill(version).run(lambda *_: tells.send_bytes(b"batch"))


def run(directory: Path, tells: Connection) -> None:
    """Be such a process."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(migrate(directory, tells))


def run_and_kill(directory: Path, batches: int, then_s: float) -> None:
    """Run one until it has begun and written so many batches, wait a moment more, and kill it."""
    context = forking()
    here, there = context.Pipe(duplex=False)
    with here, there:
        child = context.Process(target=run, args=(directory, there))
        child.start()
        for _ in range(1 + batches):
            assert here.recv_bytes()
        time.sleep(then_s)
        child.kill()
        child.join()
