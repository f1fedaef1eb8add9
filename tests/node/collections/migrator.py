"""A process that migrates a collection until it is killed: `python -m ... DIRECTORY`.

Says `N` after N documents have vectors in the new version.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from node.collections.switching import Reason
from node.ingest.record import Record
from node.store.switch_rows import Switch
from node.store.version_rows import VersionRow
from tests.node.collections.models import add_model
from tests.node.collections.rooms import opened, unseen

COUNT = 600


def text(number: int, edition: int = 0) -> str:
    """The words of a document, no two alike."""
    return f"paper number {number} about thing{number} in edition{edition}"


async def migrate(directory: Path) -> None:
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

        def say(done: int, total: int | None, what: str) -> None:
            del total, what
            print(done, flush=True)  # noqa: T201 - the parent waits for it

        await collection.backfill(version).run(say)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(migrate(Path(sys.argv[1])))
