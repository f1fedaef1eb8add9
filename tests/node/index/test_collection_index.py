"""Changes and rebuilds: nothing is lost between them, and no search ever sees half of either."""

import threading
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection, IntegrityError
from threading import Event

import numpy as np
import pytest

from node.index.graph import BuildStopped
from node.index.segment import Segment
from node.index.settings import IndexSettings
from node.index.view import Change
from node.store import chunk_rows, document_rows
from node.store.document_rows import NewDocument
from tests.node.collections.rooms import vectors
from tests.node.index.source import Source, make

ALL = frozenset({"all"})


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    source = make(tmp_path, settings=IndexSettings(delta_limit=100, build_threads=1))
    yield source
    source.store.close()


def test_a_rebuild_is_due_by_the_delta_and_by_the_dead(source: Source) -> None:
    index = source.index()
    keys = source.put(index, vectors(100))
    assert not index.rebuild_due(at_rest=True)
    keys += source.put(index, vectors(1))
    assert index.rebuild_due(at_rest=False)
    index.rebuild(Event())
    assert not index.rebuild_due(at_rest=True)
    source.remove(index, keys[:20])
    assert not index.rebuild_due(at_rest=True)
    source.remove(index, keys[20:22])
    assert index.rebuild_due(at_rest=False)
    index.rebuild(Event())
    assert (len(index.view.base), index.view.live) == (79, 79)


def test_a_large_collection_catches_up_wholly_when_nothing_comes_in_any_more(
    source: Source,
) -> None:
    index = source.index()
    source.put(index, vectors(1_600))
    index.rebuild(Event())
    source.put(index, vectors(150))
    assert not index.rebuild_due(at_rest=False)
    assert index.rebuild_due(at_rest=True)


def test_what_changes_during_a_build_is_there_after_it(source: Source) -> None:
    index = source.index()
    first = source.put(index, vectors(1_200))
    building, go_on = Event(), Event()

    def hold(*_: int) -> None:
        building.set()
        assert go_on.wait(20)

    thread = threading.Thread(target=index.rebuild, args=(Event(), hold))
    thread.start()
    assert building.wait(20)
    source.remove(index, first[:2])
    added = source.put(index, vectors(3, seed=1))
    during = {one.key for one in index.search(vectors(1), 2_000, None)[0]}
    go_on.set()
    thread.join()
    after = {one.key for one in index.search(vectors(1), 2_000, None)[0]}
    assert during == after == {*first[2:], *added}
    assert (len(index.view.base), int(index.view.dead.sum()), index.view.delta_size) == (
        1_200,
        2,
        3,
    )
    reopened = source.index()
    assert {one.key for one in reopened.search(vectors(1), 2_000, None)[0]} == after


def test_a_snapshot_is_extended_where_rows_were_only_added(source: Source) -> None:
    index = source.index()
    keys = source.put(index, vectors(600))
    index.rebuild(Event())
    source.remove(index, keys[:5])
    source.put(index, vectors(200, seed=1))
    seen: list[int] = []
    index.rebuild(Event(), lambda done, _: seen.append(done))
    assert seen == [800]  # only the 200 new rows were added to the saved graph
    assert (len(index.view.base), int(index.view.dead.sum()), index.view.live) == (800, 5, 795)
    index.rebuild(Event(), anew=True)
    assert (len(index.view.base), int(index.view.dead.sum())) == (795, 0)


def test_a_lost_graph_file_means_building_anew(source: Source) -> None:
    index = source.index()
    source.put(index, vectors(300))
    index.rebuild(Event())
    next(source.directory.glob("*.graph")).unlink()
    source.put(index, vectors(200, seed=1))
    index.rebuild(Event())
    assert (len(index.view.base), index.view.delta_size) == (500, 0)


def test_a_stopped_build_changes_nothing(source: Source) -> None:
    index = source.index()
    source.put(index, vectors(300))
    stop = Event()
    stop.set()
    with pytest.raises(BuildStopped):
        index.rebuild(stop)
    assert list(source.directory.iterdir()) == []
    assert index.view.delta_size == 300


def test_emptied_collections_keep_no_files(source: Source) -> None:
    index = source.index()
    keys = source.put(index, vectors(300))
    index.rebuild(Event())
    source.remove(index, keys)
    index.rebuild(Event())
    assert list(source.directory.iterdir()) == []
    assert [len(found) for found in index.search(vectors(1), 5, None)] == [0]


def test_a_change_that_fails_is_not_seen(source: Source) -> None:
    index = source.index()
    source.put(index, vectors(10))
    before = index.view

    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk"):
        index.change(fail)  # type: ignore[arg-type]  # it never returns
    assert index.view is before
    assert source.index().view.live == 10


def test_a_change_whose_commit_fails_is_never_seen(source: Source) -> None:
    index = source.index()
    kept = source.put(index, vectors(10))
    before = index.view

    def too_late(db: Connection, sequence: int) -> tuple[Change, None]:
        """A change like any other; its transaction is refused by the database at COMMIT."""
        db.execute("PRAGMA defer_foreign_keys = ON")
        late = NewDocument("late", None, None, {}, ALL, b"")
        (key,) = document_rows.put(db, source.row.collection, [late], [None], sequence, 0, {})
        rows = vectors(1, seed=7)
        (chunk,) = chunk_rows.insert(db, source.row.key, [(key, [(0, 0)])], rows)
        label_set = document_rows.label_set(db, ALL)
        # a chunk of a document that is not there: only COMMIT looks at it
        chunk_rows.insert(db, source.row.key, [(key + 1_000, [(0, 0)])], rows)
        added = Segment(
            np.array([chunk]), np.array([key]), np.array([label_set], "i4"), rows,
            index.nearness.norms(rows),
        )  # fmt: skip
        return Change(np.empty(0, "i8"), added, {label_set: ALL}), None

    with pytest.raises(IntegrityError):
        index.change(too_late)
    assert index.view is before
    found = index.search(vectors(1, seed=7), 20, None)[0]
    assert sorted(one.key for one in found) == sorted(kept)
    more = source.put(index, vectors(1, seed=8))  # and the next change is not in its way
    assert source.index().view.live == 11
    assert {one.key for one in index.search(vectors(1), 20, None)[0]} == {*kept, *more}


def test_a_view_knows_the_rows_of_the_store_after_changes_and_rebuilds(source: Source) -> None:
    index = source.index()

    def same() -> bool:
        with source.store.read() as db:
            kept = chunk_rows.live(db, source.row.key)
        known = index.view.rows()
        return all(
            np.array_equal(getattr(known, name), getattr(kept, name))
            for name in ("keys", "documents", "label_sets")
        )

    first = source.put(index, vectors(200), chunks=2)
    index.rebuild(Event())
    source.remove(index, first[:20])
    source.put(index, vectors(60, seed=1), labels=[frozenset({"a"})] * 60)
    assert same()
    index.rebuild(Event())
    source.remove(index, first[20:90])
    assert same()
    index.rebuild(Event(), anew=True)
    assert same()
