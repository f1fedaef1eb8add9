"""kill -9 at any moment of ingestion: whole batches, an index that catches up, an exact re-run."""

import random
from pathlib import Path

import numpy as np
import pytest

from node.ingest.plan import BATCH_DOCUMENTS
from node.ingest.write import Counts
from node.store.store import Store
from tests.node.collections.ingester import BEGUN, ingesting
from tests.node.collections.rooms import found_ids, opened, records, unseen, vectors

COUNT = 2_000


def ingest_and_kill(directory: Path, batches: int, then_s: float) -> None:
    """Run the ingester, wait until it has told of so many batches and a little more, kill it."""
    with ingesting(directory, COUNT, then_s) as told:
        for _ in range(1 + batches):
            told.recv()


def delete_and_kill(directory: Path, count: int, seen: int, then_s: float) -> int:
    """Run the ingester through, let it delete, kill it; return the number it has told is gone."""
    gone = 0
    with ingesting(directory, count, then_s, delete=True) as told:
        assert told.recv() == BEGUN
        while told.recv() != BEGUN:
            pass
        for _ in range(seen):
            gone = told.recv()
    return gone


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
    return int(documents)


@pytest.mark.parametrize("seed", range(4))
async def test_killed_ingestion_is_resumed_exactly(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chooses the moment of the kill
    rows = vectors(COUNT)
    for _ in range(2):
        ingest_and_kill(tmp_path, chance.randrange(0, 7), chance.random() * 0.05)
        kept = check_whole(tmp_path)
        assert kept == COUNT or kept % BATCH_DOCUMENTS == 0
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


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_reported_deleted_stays_deleted(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chooses the moment of the kill
    gone = delete_and_kill(tmp_path, 400, chance.randrange(1, 4), chance.random() * 0.05)
    kept = check_whole(tmp_path)
    assert gone <= 400 - kept
    assert kept % 10 == 0
    rows = vectors(400)
    async with opened(tmp_path) as rooms:
        collection = rooms.collections.get("papers")
        found = await found_ids(collection, rows[:40], 400)
        assert all(set(ids) == {f"d{n}" for n in range(400 - kept, 400)} for ids in found)


def list_files(directory: Path) -> list[Path]:
    return list(directory.iterdir())
