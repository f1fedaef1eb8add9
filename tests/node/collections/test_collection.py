"""What a collection promises: counts that are right, searches that see every change at once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.collections import index_keeper
from node.collections.errors import BadCollectionName, CollectionExists, UnknownCollection
from node.encoders.errors import EncoderInUse, UnknownEncoder
from node.ingest.errors import BadRecord
from node.ingest.record import Record
from node.ingest.write import Counts
from tests.node.collections.rooms import (
    DIMENSION,
    Rooms,
    found_ids,
    opened,
    record,
    records,
    search,
    unseen,
    vectors,
)


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with opened(tmp_path) as rooms:
        yield rooms


async def test_documents_are_added_once_however_often_they_come(rooms: Rooms) -> None:
    collection = await rooms.collection()
    rows = vectors(300)
    assert await collection.ingest(records(rows), 300, unseen) == Counts(added=300, chunks=300)
    assert await collection.ingest(records(rows), 300, unseen) == Counts(unchanged=300)
    assert collection.documents == 300


async def test_an_update_replaces_the_vector_and_keeps_the_key(rooms: Rooms) -> None:
    collection = await rooms.collection()
    old, new = np.eye(DIMENSION, dtype="f4")[:2]
    await collection.ingest([record(0, old)], 1, unseen)
    [[before]] = await search(collection, old[None], 1, None)
    counts = await collection.ingest([record(0, new)], 1, unseen)
    [[after]] = await search(collection, new[None], 1, None)
    assert counts == Counts(updated=1, chunks=1)
    assert after.key == before.key
    assert after.score == pytest.approx(1.0)
    np.testing.assert_array_equal(after.vector, new)


async def test_other_labels_hold_at_once_and_need_no_model(rooms: Rooms) -> None:
    collection = await rooms.collection()
    row = vectors(1)
    await collection.ingest([record(0, row[0], ["public"])], 1, unseen)
    assert await found_ids(collection, row, 5, frozenset({"public"})) == [["d0"]]
    counts = await collection.ingest([record(0, row[0], ["internal"])], 1, unseen)
    assert counts == Counts(updated=1, chunks=1)
    assert await found_ids(collection, row, 5, frozenset({"public"})) == [[]]
    assert await found_ids(collection, row, 5, frozenset({"internal"})) == [["d0"]]


async def test_other_metadata_changes_the_fields_alone(rooms: Rooms) -> None:
    collection = await rooms.collection()
    row = vectors(1)[0]
    await collection.ingest([record(0, row)], 1, unseen)
    counts = await collection.ingest([record(0, row, metadata={"year": 2020})], 1, unseen)
    assert counts == Counts(updated=1, chunks=0)
    assert collection.find(["d0"])["d0"].metadata == {"year": 2020}


async def test_a_document_without_labels_is_invisible_to_every_label(rooms: Rooms) -> None:
    collection = await rooms.collection()
    row = vectors(1)
    await collection.ingest([record(0, row[0])], 1, unseen)
    assert await found_ids(collection, row, 5, frozenset({"public"})) == [[]]
    assert await found_ids(collection, row, 5, frozenset()) == [[]]
    assert await found_ids(collection, row, 5, None) == [["d0"]]


async def test_the_same_id_again_is_an_update(rooms: Rooms) -> None:
    collection = await rooms.collection()
    rows = vectors(2)
    counts = await collection.ingest([record(0, rows[0]), record(0, rows[1])], 2, unseen)
    assert counts == Counts(added=1, updated=1, chunks=2)
    assert collection.documents == 1


async def test_a_collection_to_which_nobody_writes_catches_up_by_itself(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_keeper, "REST_S", 0.01)
    collection = await rooms.collection()
    rows = vectors(1_750)
    await collection.ingest(records(rows[:1_600]), 1_600, unseen)
    await collection.settle(unseen)
    later = [record(number, rows[number]) for number in range(1_600, 1_750)]
    await collection.ingest(later, 150, unseen)  # less than an eighth of what is there
    for _ in range(600):
        if (await collection.index_state()).delta == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("150 documents are still searched one by one")


def every_byte(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


async def test_deleted_documents_are_gone_from_searches_store_and_files(
    rooms: Rooms, tmp_path: Path
) -> None:
    collection = await rooms.collection()
    rows = vectors(300)
    secret = Record("s", "test:1", text="a secret sentence that nobody else has", vector=rows[0])
    await collection.ingest([secret, *records(rows[1:])], 300, unseen)
    await collection.settle(unseen)
    [[found]] = await search(collection, rows[:1], 1, None)
    assert await collection.delete(["s", "never there"]) == 1
    assert "s" not in (await found_ids(collection, rows[:1], 10))[0]
    assert collection.describe(found.key) is None
    assert collection.external_id(found.key) is None
    await collection.compact(unseen)
    files = every_byte(tmp_path)
    assert b"a secret sentence" not in files
    assert rows[0].tobytes() not in files
    assert rows[1].tobytes() in files


async def test_erased_is_not_said_while_somebody_reads_an_older_state(
    rooms: Rooms, tmp_path: Path
) -> None:
    collection = await rooms.collection()
    rows = vectors(20)
    secret = Record("s", "test:1", text="a secret sentence that nobody else has", vector=rows[0])
    await collection.ingest([secret, *records(rows[1:])], 20, unseen)
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM documents").fetchone()
        await collection.delete(["s"])
        assert not await collection.compact(unseen)
        assert b"a secret sentence" in every_byte(tmp_path)
    assert await collection.compact(unseen)
    assert b"a secret sentence" not in every_byte(tmp_path)
    assert rows[0].tobytes() not in every_byte(tmp_path)


async def test_a_key_is_never_used_again(rooms: Rooms) -> None:
    collection = await rooms.collection()
    row = vectors(1)
    await collection.ingest([record(0, row[0])], 1, unseen)
    [[first]] = await search(collection, row, 1, None)
    await collection.delete(["d0"])
    await collection.ingest([record(0, row[0])], 1, unseen)
    [[second]] = await search(collection, row, 1, None)
    assert second.key > first.key


async def test_a_bad_vector_is_refused_by_its_place_and_earlier_batches_stay(rooms: Rooms) -> None:
    collection = await rooms.collection()
    rows = vectors(300)
    rows[299] = 0
    with pytest.raises(BadRecord, match=r"^test:299: vector: .* is zero"):
        await collection.ingest(records(rows), 300, unseen)
    assert collection.documents == 256
    rows[299] = rows[0]
    counts = await collection.ingest(records(rows), 300, unseen)
    assert counts == Counts(added=44, unchanged=256, chunks=44)


async def test_text_without_a_vector_needs_a_model(rooms: Rooms) -> None:
    collection = await rooms.collection()
    with pytest.raises(BadRecord, match="a vector is missing"):
        await collection.ingest([Record("a", "f:1", text="words")], 1, unseen)


async def test_collections_are_separate(rooms: Rooms) -> None:
    one, two = await rooms.collection("one"), await rooms.collection("two")
    rows = vectors(2)
    await one.ingest([record(0, rows[0])], 1, unseen)
    await two.ingest([record(1, rows[1])], 1, unseen)
    assert await found_ids(one, rows[:1], 5) == [["d0"]]
    assert await found_ids(two, rows[:1], 5) == [["d1"]]
    [[found]] = await search(one, rows[:1], 1, None)
    assert two.describe(found.key) is None


async def test_a_dropped_collection_leaves_nothing_and_its_version_is_not_reused(
    rooms: Rooms, tmp_path: Path
) -> None:
    collection = await rooms.collection()
    await collection.ingest(records(vectors(300)), 300, unseen)
    await collection.settle(unseen)
    with pytest.raises(EncoderInUse):
        await rooms.encoders.remove("papers-encoder")
    await rooms.collections.drop("papers")
    assert list((tmp_path / "indexes").iterdir()) == []
    with pytest.raises(UnknownCollection, match="no collection 'papers'"):
        rooms.collections.get("papers")
    again = await rooms.collections.create("papers", "papers-encoder")
    assert (again.documents, collection.version, again.version) == (0, "v1", "v2")
    await rooms.collections.drop("papers")
    await rooms.encoders.remove("papers-encoder")


async def test_names_are_checked(rooms: Rooms) -> None:
    await rooms.collection()
    with pytest.raises(CollectionExists):
        await rooms.collections.create("papers", "papers-encoder")
    with pytest.raises(UnknownEncoder):
        await rooms.collections.create("other", "nobody")
    for name in ("", "A", "a b", "../x", "a" * 65, "-a"):
        with pytest.raises(BadCollectionName):
            await rooms.collections.create(name, "papers-encoder")


async def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    rows = vectors(300)
    async with opened(tmp_path) as rooms:
        collection = await rooms.collection()
        await collection.ingest(records(rows[:250]), 250, unseen)
        await collection.settle(unseen)
        await collection.ingest(records(rows), 300, unseen)
        await collection.delete(["d1"])
        before = await found_ids(collection, rows[:20], 10)
    async with opened(tmp_path) as rooms:
        collection = rooms.collections.get("papers")
        assert (await collection.index_state()).snapshot == 250
        assert await found_ids(collection, rows[:20], 10) == before


@pytest.mark.parametrize("similarity", ["cosine", "dot", "l2"])
async def test_scores_and_vectors_are_those_of_the_space(rooms: Rooms, similarity: str) -> None:
    collection = await rooms.collection(similarity=similarity, normalisation="none")
    rows = vectors(300) * np.linspace(0.5, 3, 300, dtype="f4")[:, None]
    await collection.ingest(records(rows), 300, unseen)
    query = rows[7:8] * 2
    dots = (rows.astype("f8") @ query[0].astype("f8")).ravel()
    if similarity == "cosine":
        dots /= np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    elif similarity == "l2":
        dots = -(((rows - query) ** 2).sum(axis=1))
    for settle in (False, True):
        if settle:
            await collection.settle(unseen)
        [answer] = await search(collection, query, 5, None)
        expected = np.argsort(-dots)[:5]
        numbers = [int((collection.external_id(one.key) or "")[1:]) for one in answer]
        assert numbers == expected.tolist()
        np.testing.assert_allclose([one.score for one in answer], dots[expected], rtol=1e-4)
        np.testing.assert_array_equal([one.vector for one in answer], rows[expected])


class TestAgainstAModel:
    """Any sequence of changes leaves what a dictionary would hold."""

    @settings(
        max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        steps=st.lists(
            st.one_of(
                st.tuples(st.just("put"), st.integers(0, 9), st.integers(0, 9), st.booleans()),
                st.tuples(st.just("delete"), st.integers(0, 9)),
                st.tuples(st.sampled_from(["settle", "compact"])),
            ),
            max_size=25,
        )
    )
    async def test_searches_and_counts_agree(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]]
    ) -> None:
        rows = np.eye(DIMENSION, dtype="f4")[:10]
        model: dict[int, tuple[int, bool]] = {}
        async with opened(tmp_path_factory.mktemp("model")) as rooms:
            collection = await rooms.collection()
            for verb, *rest in steps:
                if verb == "put":
                    document, row, public = rest
                    labels = ["public"] if public else ["internal"]
                    await collection.ingest([record(document, rows[row], labels)], 1, unseen)
                    model[document] = (row, public)
                elif verb == "delete":
                    gone = await collection.delete([f"d{rest[0]}"])
                    assert gone == (model.pop(rest[0], None) is not None)
                else:
                    await getattr(collection, verb)(unseen)
            everything = await found_ids(collection, rows, 10)
            shown = await found_ids(collection, rows, 10, frozenset({"public"}))
        for row, (found, seen) in enumerate(zip(everything, shown, strict=True)):
            assert set(found) == {f"d{document}" for document in model}
            assert set(seen) == {f"d{document}" for document, (_, free) in model.items() if free}
            exact = {f"d{document}" for document, (at, _) in model.items() if at == row}
            assert set(found[: len(exact)]) == exact
