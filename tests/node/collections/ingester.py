"""A process that ingests until it is done or killed: `python -m ... DIRECTORY COUNT`.

Says `open` when the rooms are open, `N` after N documents, `done ADDED UNCHANGED` at the end.
"""

import asyncio
import sys
from pathlib import Path

from tests.node.collections.rooms import opened, records, unseen, vectors


async def ingest(directory: Path, count: int) -> None:
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


if __name__ == "__main__":
    asyncio.run(ingest(Path(sys.argv[1]), int(sys.argv[2])))
