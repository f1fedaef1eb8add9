"""kill -9 at any moment of ingestion: whole batches, an index that catches up, an exact re-run."""

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from node.ingest.plan import BATCH_DOCUMENTS
from node.ingest.write import Counts
from node.store.store import Store
from tests.node.collections.rooms import found_ids, opened, records, unseen, vectors

COUNT = 3_000


def ingest_and_kill(directory: Path, batches: int, then_s: float) -> None:
    """Run the ingester, wait until it has reported so many batches and a little more, kill it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.node.collections.ingester", str(directory), str(COUNT)],
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        for _ in range(1 + batches):
            assert child.stdout.readline()
        time.sleep(then_s)
        child.kill()


def check_whole(path: Path) -> int:
    """Judge store.db with SQLite itself; return the number of documents."""
    store = Store.open(path / "store.db")
    with store.read() as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        (documents,) = db.execute("SELECT count(*) FROM documents").fetchone()
        (chunks,) = db.execute("SELECT count(DISTINCT document) FROM chunks").fetchone()
    store.close()
    assert documents == chunks
    assert documents == COUNT or documents % BATCH_DOCUMENTS == 0
    return int(documents)


@pytest.mark.parametrize("seed", range(5))
async def test_killed_ingestion_is_resumed_exactly(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chooses the moment of the kill
    rows = vectors(COUNT)
    for _ in range(2):
        ingest_and_kill(tmp_path, chance.randrange(0, 9), chance.random() * 0.05)
        kept = check_whole(tmp_path)
    async with opened(tmp_path) as rooms:
        collection = rooms.collections.get("papers")
        found = await found_ids(collection, rows[:50], 1)
        expected = np.argmax(rows[:50] @ rows[:kept].T, axis=1) if kept else []
        assert [ids[0] if ids else None for ids in found] == (
            [f"d{number}" for number in expected] if kept else [None] * 50
        )
        counts = await collection.ingest(records(rows), COUNT, unseen)
        assert counts == Counts(added=COUNT - kept, unchanged=kept, chunks=COUNT - kept)
        await collection.settle(unseen)
        assert await found_ids(collection, rows[:50], 1) == [[f"d{n}"] for n in range(50)]
        state = await collection.index_state()
        assert (state.dead, state.snapshot + state.delta) == (0, COUNT)
    names = {path.name.partition(".")[2] for path in list_files(tmp_path / "indexes")}
    assert names == {"graph", "vectors.npy", "keys.npy", "json"}


def list_files(directory: Path) -> list[Path]:
    return list(directory.iterdir())
