"""Searching while documents come and go and snapshots are swapped: never wrong, never an error."""

import asyncio
import threading
from pathlib import Path

import numpy as np

from node.collections.collection import Collection
from node.ingest.plan import BATCH_DOCUMENTS
from tests.node.collections.rooms import opened, record, records, search, unseen, vectors

STABLE = 300
PASSING = 1_500


async def test_every_answer_is_right_whatever_happens_meanwhile(tmp_path: Path) -> None:
    rows = vectors(STABLE + PASSING)
    async with opened(tmp_path) as rooms:
        collection = await rooms.collection()
        await collection.ingest(records(rows[:STABLE], ["stable", "open"]), STABLE, unseen)
        await collection.settle(unseen)
        over = asyncio.Event()
        searches = [asyncio.create_task(ask(collection, rows, seed, over)) for seed in range(4)]
        await asyncio.gather(churn(collection, rows), churn_labels(collection, rows))
        await collection.compact(unseen)
        over.set()
        counts = await asyncio.gather(*searches)
        assert min(counts) > 5
        assert collection.documents == STABLE + PASSING // 2
        assert len((await search(collection, rows[:1], 1_000, None))[0]) == 1_000


async def churn(
    collection: Collection, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> None:
    """Add the passing documents in parts and delete every second one again."""
    for first in range(STABLE, STABLE + PASSING, 100):
        part = [record(n, rows[n], ["passing", "open"]) for n in range(first, first + 100)]
        await collection.ingest(part, None, unseen)
        await collection.delete(f"d{n}" for n in range(first, first + 100, 2))


async def churn_labels(
    collection: Collection, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> None:
    """Move some stable documents in and out of a label, over and over."""
    for turn in range(10):
        extra = ["open"] if turn % 2 else ["open", "closed"]
        part = [record(n, rows[n], ["stable", *extra]) for n in range(20)]
        await collection.ingest(part, None, unseen)


async def ask(
    collection: Collection,
    rows: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    seed: int,
    over: asyncio.Event,
) -> int:
    """Search for stable documents by their own vectors, check every answer; return how many."""
    random = np.random.default_rng(seed)
    searches = 0
    while not over.is_set():
        numbers = random.integers(STABLE, size=3)
        visible = [None, frozenset({"stable"}), frozenset({"open"})][searches % 3]
        answers = await search(collection, rows[numbers], 20, visible)
        for number, answer in zip(numbers, answers, strict=True):
            scores = [one.score for one in answer]
            assert scores == sorted(scores, reverse=True)
            assert len({one.key for one in answer}) == len(answer) == 20
            exact = [float(one.vector @ rows[number]) for one in answer]
            np.testing.assert_allclose(scores, exact, atol=1e-5)
            np.testing.assert_allclose(answer[0].vector, rows[number], atol=1e-6)
        searches += 1
    return searches


async def test_documents_wait_where_the_index_is_far_behind(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        collection = await rooms.collection()
        rows, built = vectors(1_500), threading.Event()
        first = rooms.collections._building.submit(built.wait)  # whatever the one builder does
        coming = asyncio.create_task(collection.ingest(records(rows), None, unseen))
        before = -1
        while (delta := (await collection.index_state()).delta) > before or delta < 800:
            before = delta
            await asyncio.sleep(0.1)
        assert delta <= 800 + BATCH_DOCUMENTS
        assert not coming.done()
        built.set()
        assert (await coming).added == len(rows)
        assert first.result()
        await collection.settle(unseen)
        state = await collection.index_state()
        assert state.snapshot + state.delta == len(rows)
