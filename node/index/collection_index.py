"""The index of one collection version: searching, changing, and replacing its snapshot.

Who may do what, when:

- `search` takes the current view once and works on it. It takes no lock.
- `change` is the only writer: under one lock it commits a transaction to store.db and then swaps
  the view. A change that was not committed is never seen; one that was is seen when it returns.
- `change_together` does the same to several versions of one collection, in one transaction.
- `rebuild` takes the view and store.db as they are at one moment (the lock is held only to choose
  that moment), builds for as long as it takes, and under the lock swaps in a view with the new
  snapshot and whatever has changed since. Which rows there are, a view knows: reading them again
  would cost as much as the whole collection each time.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from threading import Event, Lock
from typing import TypeVar

import numpy as np
import structlog

from node.index.among import EVERYTHING, Among
from node.index.build import Progress, build
from node.index.candidate import Candidates
from node.index.search import search
from node.index.segment import IntArray, Mask, Segment
from node.index.settings import IndexSettings
from node.index.similarity import FloatArray, Nearness
from node.index.snapshot import Snapshot, SnapshotFiles, SnapshotUnusable, Source
from node.index.view import Change, View
from node.store import chunk_rows, collection_rows, document_rows
from node.store.chunk_rows import LiveChunks
from node.store.store import Store
from node.store.version_rows import VersionRow

ResultT = TypeVar("ResultT")
_log = structlog.get_logger(__name__)

_AHEAD = 8
"""So many times the delta that makes a rebuild due may have come in before writers wait."""


class CollectionIndex:
    """One version's index. Blocking; methods may be called from any thread."""

    def __init__(
        self, store: Store, row: VersionRow, directory: Path, settings: IndexSettings
    ) -> None:
        """Load the snapshot, or go without one, and catch up from store.db."""
        self._store = store
        self._row = row
        self._settings = settings
        self._changing = Lock()
        self._rebuilding = Lock()
        self.nearness = Nearness.of(row.envelope)
        with store.read() as db:
            source = Source(collection_rows.store_id(db), row.key, row.space_id, self.nearness)
            self._files = SnapshotFiles(directory, source)
            sequence = collection_rows.sequence(db, row.collection)
            self._view = self._from_store(db, self._load(sequence))

    @property
    def view(self) -> View:
        """The present state; immutable."""
        return self._view

    def search(
        self,
        queries: FloatArray,
        k: int,
        visible: frozenset[str] | None,
        among: Among = EVERYTHING,
    ) -> list[Candidates]:
        """Return for each query (n, d) its k nearest documents of these, best first."""
        return search(self._view, self.nearness, self._settings, queries, k, visible, among)

    def change(self, work: Callable[[Connection, int], tuple[Change, ResultT]]) -> ResultT:
        """Run `work(db, sequence)` in one transaction; when it has committed, show its change."""

        def alone(db: Connection, sequence: int) -> tuple[list[Change], ResultT]:
            change, result = work(db, sequence)
            return [change], result

        return change_together([self], alone)

    def rebuild_due(self, *, at_rest: bool) -> bool:
        """Whether the delta or the dead rows have grown enough to be worth a new snapshot.

        While documents come in, a large collection's delta may grow with it, because a snapshot
        costs as much as the whole; `at_rest`, when none do, every search would pay for that.
        """
        view = self._view
        many = self._settings.delta_limit
        if not at_rest:
            many = max(many, len(view.base) // 8)
        return view.delta_size > many or self._has_many_dead(view)

    def is_behind(self) -> bool:
        """Whether so much is searched row by row that writers should wait for a rebuild."""
        view = self._view
        return view.delta_size > max(_AHEAD * self._settings.delta_limit, len(view.base) // 6)

    def rebuild(self, stop: Event, progress: Progress | None = None, *, anew: bool = False) -> None:
        """Replace the snapshot by one of the present state; `anew`: without a trace of dead rows.

        Raises BuildStopped when `stop` is set meanwhile, OSError when the disk refuses; the old
        snapshot then stays in use.
        """
        with self._rebuilding, ExitStack() as stack:
            with self._changing:
                db = stack.enter_context(self._store.read())
                sequence = collection_rows.sequence(db, self._row.collection)  # pins the moment
                view = self._view
            extend = None if anew or self._has_many_dead(view) else view.snapshot
            making = partial(build, db, view, self._files, sequence)
            try:
                snapshot = making(extend, self._settings, stop, progress)
            except RuntimeError:  # hnswlib: the saved graph cannot be read any more
                if extend is None:
                    raise
                snapshot = making(None, self._settings, stop, progress)
            with self._changing:
                self._view = self._over(snapshot)
        _log.info("index.built", collection=self._row.name, rows=len(self._view.base))

    def _has_many_dead(self, view: View) -> bool:
        return int(view.dead.sum()) > self._settings.dead_share * max(1, len(view.base))

    def _load(self, sequence: int) -> Snapshot | None:
        try:
            return self._files.load(sequence, self._settings)
        except SnapshotUnusable as reason:
            if not reason.missing:
                _log.warning("index.rebuild_needed", collection=self._row.name, reason=str(reason))
            self._files.remove()
            return None

    def _from_store(self, db: Connection, snapshot: Snapshot | None) -> View:
        """Return the view of what `db` shows: the snapshot's live rows and all others as delta."""
        live = chunk_rows.live(db, self._row.key)
        label_sets = document_rows.label_sets(db)
        base, dead = _base(snapshot, live, self.nearness)
        missing = ~np.isin(live.keys, base.keys, assume_unique=True)
        delta = self._read(db, live, missing) if missing.any() else ()
        return View(snapshot, base, dead, delta, label_sets)

    def _over(self, snapshot: Snapshot | None) -> View:
        """Return the view of the same rows over another snapshot."""
        view = self._view
        base, dead = _base(snapshot, view.rows(), self.nearness)
        delta = []
        for part, counts in ((view.base, ~view.dead), *((part, None) for part in view.delta)):
            left = ~np.isin(part.keys, base.keys, assume_unique=True)
            left = left if counts is None else left & counts
            if left.any():
                delta.append(part.only(left))
        return View(snapshot, base, dead, tuple(delta), view.label_sets)

    def _read(self, db: Connection, live: LiveChunks, wanted: Mask) -> tuple[Segment, ...]:
        keys = live.keys[wanted]
        vectors = np.concatenate(list(chunk_rows.vectors(db, keys, self.nearness.dimension)))
        norms = self.nearness.norms(vectors)
        documents, label_sets = live.documents[wanted], live.label_sets[wanted]
        return (Segment(keys, documents, label_sets, vectors, norms),)


def change_together(
    indexes: Sequence[CollectionIndex],
    work: Callable[[Connection, int], tuple[Sequence[Change], ResultT]],
) -> ResultT:
    """Run `work(db, sequence)` in one transaction; when it has committed, show all its changes.

    `indexes` are of one collection, by ascending version, and get one change each, in that order.
    """
    first = indexes[0]
    with ExitStack() as changing:
        for index in indexes:  # always by version, so that nobody waits crosswise
            changing.enter_context(index._changing)
        with first._store.write() as db:
            changes, result = work(db, collection_rows.next_sequence(db, first._row.collection))
        for index, change in zip(indexes, changes, strict=True):
            index._view = index._view.after(change)
    return result


def _base(snapshot: Snapshot | None, live: LiveChunks, nearness: Nearness) -> tuple[Segment, Mask]:
    """Return the snapshot's rows with present documents and labels, and which of them are dead."""
    if snapshot is None:
        empty: IntArray = live.keys[:0]
        none = np.empty((0, nearness.dimension), dtype=np.float32)
        return Segment(empty, empty, live.label_sets[:0], none, nearness.norms(none)), empty > 0
    places = np.searchsorted(live.keys, snapshot.keys)
    places[places == len(live.keys)] = 0
    alive = live.keys[places] == snapshot.keys if len(live.keys) else snapshot.keys < 0
    documents = np.full(len(snapshot.keys), -1, dtype=np.int64)
    label_sets = np.full(len(snapshot.keys), -1, dtype=np.int32)
    documents[alive] = live.documents[places[alive]]
    label_sets[alive] = live.label_sets[places[alive]]
    norms = nearness.norms(snapshot.vectors)
    return Segment(snapshot.keys, documents, label_sets, snapshot.vectors, norms), ~alive
