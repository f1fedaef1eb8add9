"""A process that ingests until it is done or killed: `python -m ... DIRECTORY COUNT [delete]`.

Says `open` when the rooms are open, `N` after N documents, `done ADDED UNCHANGED` at the end. With
`delete` it goes on, deleting ten documents from the front and compacting, saying `N` after N.
"""

import asyncio
import sys
from pathlib import Path

import structlog

from tests.node.collections.rooms import opened, records, unseen, vectors


async def ingest(directory: Path, count: int, delete: bool) -> None:
    async with opened(directory) as rooms:
        if not rooms.collections.all():
            await rooms.collection()
        collection = rooms.collections.get("papers")
        print("open", flush=True)  # noqa: T201 - the parent waits for it

        def say(done: int, total: int | None, what: str) -> None:
            del total, what
            print(done, flush=True)  # noqa: T201 - the parent waits for it

        counts = await collection.ingest(records(vectors(count)), count, say)
        await collection.settle(unseen)
        print("done", counts.added, counts.unchanged, flush=True)  # noqa: T201 - the result
        for first in range(0, count if delete else 0, 10):
            await collection.delete(f"d{number}" for number in range(first, first + 10))
            say(first + 10, None, "")
            await collection.compact(unseen)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(ingest(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["delete"]))
