"""The HNSW graph, finished: the only file that touches hnswlib.

hnswlib must not be searched while it is written. So writing is over before a `Graph` exists:
`build` and `extend` work on a private index and hand it over once, and `Graph` can only search and
save. Rows are numbered 0..n-1 in the order they were given; the caller knows what they mean.
"""

import errno
from collections.abc import Iterable
from pathlib import Path
from threading import Event

import hnswlib
import numpy as np
import numpy.typing as npt

from node.index.settings import IndexSettings
from node.index.similarity import FloatArray, Nearness

_SEED = 100  # fixed, so that one thread builds the same graph from the same rows


class BuildStopped(Exception):
    """The node closes; the private index was thrown away. The next start catches up."""

    failure = "unavailable"


class Graph:
    """A finished graph. Searching is safe from any number of threads."""

    def __init__(self, index: hnswlib.Index, nearness: Nearness) -> None:
        """Use `build`, `extend` or `load`; nobody else may keep `index`."""
        self._index = index
        self._nearness = nearness

    def __len__(self) -> int:
        return int(self._index.get_current_count())

    def search(
        self, queries: FloatArray, count: int
    ) -> tuple[npt.NDArray[np.int64], FloatArray] | None:
        """Find about the `count` nearest rows of each query (q, d) in query form.

        Returns rows (q, count) and their scores (q, count), best first; None when the graph cannot
        reach that many rows, which happens where deletions or duplicates left it in parts.
        """
        try:
            rows, distances = self._index.knn_query(queries, k=count, num_threads=1)
        except RuntimeError:  # hnswlib: "Cannot return the results in a contiguous 2D array"
            return None
        return rows.astype(np.int64), self._nearness.from_distances(distances)

    def save(self, path: Path) -> None:
        """Write the graph to a new file; the caller makes it durable. Raises OSError."""
        self._index.save_index(str(path))
        if path.stat().st_size != self._index.index_file_size():  # hnswlib checks no write
            raise OSError(errno.ENOSPC, "the graph was not written whole", str(path))


def build(
    blocks: Iterable[FloatArray],
    count: int,
    nearness: Nearness,
    settings: IndexSettings,
    stop: Event,
) -> Graph:
    """Build a graph of `count` rows from blocks of stored vectors (n, d).

    Raises BuildStopped when `stop` is set meanwhile.
    """
    index = hnswlib.Index(space=nearness.graph_space, dim=nearness.dimension)
    index.init_index(
        max_elements=count, M=settings.m, ef_construction=settings.ef_construction,
        random_seed=_SEED,
    )  # fmt: skip
    return _add(index, 0, blocks, nearness, settings, stop)


def extend(
    path: Path,
    known: int,
    blocks: Iterable[FloatArray],
    count: int,
    nearness: Nearness,
    settings: IndexSettings,
    stop: Event,
) -> Graph:
    """Build a graph of `count` rows from a saved one of `known` rows and blocks with the others.

    The saved file is read into a private index; whoever searches the old graph is not disturbed.
    """
    index = hnswlib.Index(space=nearness.graph_space, dim=nearness.dimension)
    index.load_index(str(path), max_elements=count)
    return _add(index, known, blocks, nearness, settings, stop)


def load(path: Path, nearness: Nearness, settings: IndexSettings) -> Graph:
    """Read a saved graph whose digest was checked (hnswlib trusts what it reads).

    Raises RuntimeError when it is no graph.
    """
    index = hnswlib.Index(space=nearness.graph_space, dim=nearness.dimension)
    index.load_index(str(path))
    index.set_ef(settings.ef)
    return Graph(index, nearness)


def _add(
    index: hnswlib.Index,
    first: int,
    blocks: Iterable[FloatArray],
    nearness: Nearness,
    settings: IndexSettings,
    stop: Event,
) -> Graph:
    for block in blocks:
        if stop.is_set():
            raise BuildStopped("the node is closing: documents are kept, indexing goes on later")
        rows = np.arange(first, first + len(block))
        index.add_items(nearness.graph_form(block), rows, num_threads=settings.build_threads)
        first += len(block)
    index.set_ef(settings.ef)
    return Graph(index, nearness)
