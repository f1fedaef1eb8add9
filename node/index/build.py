"""Making the next snapshot, privately: nobody can search it before it is whole and on disk.

The new generation is built from one unchanging state while searches go on with the old one. Where
only rows were added, the saved graph is extended, so that growing a large collection costs what was
added, and the vectors of what was added are taken from memory, where they are searched; where many
rows are dead, or on compaction, it is built anew, from store.db.
"""

from collections.abc import Callable, Iterator
from sqlite3 import Connection
from threading import Event

import numpy as np

from node.index import graph
from node.index.graph import BuildStopped, Graph
from node.index.segment import IntArray
from node.index.settings import IndexSettings
from node.index.similarity import FloatArray
from node.index.snapshot import Snapshot, SnapshotFiles
from node.index.view import View
from node.store import chunk_rows

_BLOCK = 500  # rows added at once, after which a build can be stopped

Progress = Callable[[int, int], None]
"""(rows in the new snapshot so far, rows in all)."""


def build(
    db: Connection,
    view: View,
    files: SnapshotFiles,
    sequence: int,
    previous: Snapshot | None,
    settings: IndexSettings,
    stop: Event,
    progress: Progress | None,
) -> Snapshot | None:
    """Build, save, publish and open a snapshot of the rows of `view`.

    `db` is a read transaction that shows just these. `previous` is the snapshot to extend, None to
    build anew. Returns None where there are no rows (the files are then removed). Raises
    BuildStopped when `stop` is set meanwhile.
    """
    keys = view.rows().keys
    if not len(keys):
        files.remove()
        return None
    known: IntArray = previous.keys if previous is not None else keys[:0]
    fresh = keys[~np.isin(keys, known, assume_unique=True)]
    if previous is not None and len(fresh) and fresh[0] < known[-1]:
        previous, known, fresh = None, keys[:0], keys  # would break the order of keys
    generation = files.new_generation(sequence)
    try:
        keys = np.concatenate([known, fresh])
        added = _vectors(db, view, keys[len(known) :], files.source.nearness.dimension)
        built = _write(added, files, generation, previous, keys, settings, stop, progress)
        files.publish(generation, sequence, len(keys))
    except BaseException:
        files.discard(generation)
        raise
    return Snapshot(built, keys, files.map_vectors(generation), generation, sequence)


def _vectors(db: Connection, view: View, keys: IntArray, dimension: int) -> Iterator[FloatArray]:
    """Yield the vectors of `keys` in that order, block by block: those at hand, or the store's."""
    beside = [part.keys for part in view.delta]
    if beside and np.array_equal(np.concatenate(beside), keys):
        for part in view.delta:
            for first in range(0, len(part), _BLOCK):
                yield part.vectors[first : first + _BLOCK]
        return
    yield from chunk_rows.vectors(db, keys, dimension)


def _write(
    added: Iterator[FloatArray],
    files: SnapshotFiles,
    generation: str,
    previous: Snapshot | None,
    keys: IntArray,
    settings: IndexSettings,
    stop: Event,
    progress: Progress | None,
) -> Graph:
    nearness = files.source.nearness
    known = 0 if previous is None else len(previous.keys)
    files.make_private(generation)
    path = files.vectors_path(generation)
    rows = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.float32, shape=(len(keys), nearness.dimension)
    )
    if previous is not None:
        rows[:known] = previous.vectors

    def blocks() -> Iterator[FloatArray]:
        first = known
        for block in added:
            rows[first : first + len(block)] = block
            first += len(block)
            yield block
            if progress is not None:
                progress(first, len(keys))

    if previous is None:
        built = graph.build(blocks(), len(keys), nearness, settings, stop)
    else:
        old = files.graph_path(previous.generation)
        built = graph.extend(old, known, blocks(), len(keys), nearness, settings, stop)
    # no `rows.flush()`: it holds the interpreter's lock until the disk is done; `publish` waits so
    # that others go on
    built.save(files.graph_path(generation))
    np.save(files.keys_path(generation), keys)
    if stop.is_set():
        raise BuildStopped("the node is closing: documents are kept, indexing goes on later")
    return built
