"""What scoring needs of each document: computed once, kept as long as the document, never wrong."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from adapters.affine import AffineMap
from adapters.corrected import Yardstick
from node.collections.collection import Collection
from node.store.scalar_rows import load, missing
from tests.node.collections.rooms import DIMENSION, Rooms, opened, records, search, unseen, vectors


def yardstick(name: str) -> Yardstick:
    rng = np.random.default_rng(len(name))
    weight = rng.normal(size=(5, DIMENSION)).astype(np.float32)
    inward = AffineMap("ridge", weight, np.zeros(5, np.float32), "native", "shared")
    questions = rng.normal(size=(40, 5)).astype(np.float32)
    questions /= np.linalg.norm(questions, axis=1, keepdims=True)
    return Yardstick(inward, f"sha256:{name}", questions)


class Measured:
    """Rooms whose documents are scored by what `yardsticks` holds now."""

    def __init__(self) -> None:
        self.yardsticks: list[Yardstick] = [yardstick("one")]

    def of(self, space: str) -> Sequence[Yardstick]:
        del space
        return self.yardsticks


@pytest.fixture
def measured() -> Measured:
    return Measured()


@pytest.fixture
async def rooms(tmp_path: Path, measured: Measured) -> AsyncIterator[Rooms]:
    async with opened(tmp_path, yardsticks=measured.of) as rooms:
        yield rooms


async def assert_right(collection: Collection, measure: Yardstick, n: int) -> None:
    """Whatever is kept: the scalars of what a search finds are those of the vectors found."""
    [found] = await search(collection, vectors(1), n, None)
    scalars = collection.serving.scalars(measure, found)
    fresh = measure.scalars(np.stack([each.vector for each in found]))
    np.testing.assert_allclose(scalars.lengths, fresh.lengths, rtol=1e-5)
    np.testing.assert_allclose(scalars.hubness, fresh.hubness, atol=1e-5)


def kept(rooms: Rooms, measure: Yardstick) -> int:
    with rooms.store.read() as db:
        return len(load(db, 1, measure.digest).keys)


async def test_documents_get_their_scalars_with_ingestion_and_lose_them_when_deleted(
    rooms: Rooms, measured: Measured
) -> None:
    collection = await rooms.collection()
    await collection.ingest(records(vectors(700)), 700, unseen)
    await collection.settle(unseen)
    [one] = measured.yardsticks
    assert collection.serving.prepared(one)
    assert kept(rooms, one) == 700
    await assert_right(collection, one, 50)
    await collection.delete([f"d{n}" for n in range(300)])
    assert kept(rooms, one) == 400
    await assert_right(collection, one, 50)


async def test_a_document_without_scalars_is_measured_on_the_spot(
    rooms: Rooms, measured: Measured
) -> None:
    collection = await rooms.collection()
    rows = vectors(40)
    await collection.ingest(records(rows[:20]), 20, unseen)
    await collection.settle(unseen)
    other = yardstick("another")
    assert not collection.serving.prepared(other)
    await assert_right(collection, other, 20)
    await collection.ingest(records(rows), 40, unseen)  # scalars are still being computed
    await assert_right(collection, measured.yardsticks[0], 40)


async def test_another_yardstick_replaces_what_was_kept(rooms: Rooms, measured: Measured) -> None:
    collection = await rooms.collection()
    await collection.ingest(records(vectors(30)), 30, unseen)
    await collection.settle(unseen)
    old, new = measured.yardsticks[0], yardstick("another")
    measured.yardsticks = [new]
    seen: list[tuple[int, int | None, str]] = []
    await rooms.collections.prepare_scores(lambda *step: seen.append(step))
    assert seen == [(30, 30, "scores prepared")]
    assert (kept(rooms, old), kept(rooms, new)) == (0, 30)
    await assert_right(collection, new, 30)


async def test_a_node_that_starts_again_goes_on_where_it_stopped(tmp_path: Path) -> None:
    one = yardstick("one")
    async with opened(tmp_path, yardsticks=lambda _space: ()) as rooms:
        collection = await rooms.collection()
        await collection.ingest(records(vectors(60)), 60, unseen)
    async with opened(tmp_path, yardsticks=lambda _space: (one,)) as rooms:
        await rooms.collections.load()
        collection = rooms.collections.get(collection.name)
        await collection.settle(unseen)
        with rooms.store.read() as db:
            assert not len(missing(db, 1, one.digest))
        await assert_right(collection, one, 60)
