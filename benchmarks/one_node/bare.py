"""Bare hnswlib on the node's own graph: the same links, the same vectors, the same ef.

The rule of this file: the graph is the file that the node wrote, so that nothing but the node's
work around the search differs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hnswlib
import numpy as np

from benchmarks.one_node.founding import CLINIC
from node.data_directory import DataDirectory
from node.index.settings import IndexSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from benchmarks.one_node.synthetic import Floats

    Rows = NDArray[np.int64]

BATCH = 256


@dataclass(frozen=True)
class Bare:
    """Queries a second: one by one in one thread, in batches in one thread, in all threads."""

    single: float
    batched: float
    batched_all: float
    median_us: float
    recall: float


def load(folder: Path, dimension: int) -> hnswlib.Index:
    """Open the graph that the clinic's node has saved."""
    (path,) = DataDirectory(folder / CLINIC).indexes.rglob("*.graph")
    index = hnswlib.Index(space="ip", dim=dimension)
    index.load_index(str(path))
    index.set_ef(IndexSettings().ef)
    return index


def measure(index: hnswlib.Index, questions: Floats, nearest: Rows, threads: int) -> Bare:
    """Ask all `questions` (n, d) in each way; `nearest` (m, k): the first m questions' true rows.

    Row numbers of the graph are document numbers, because that is the order of ingestion.
    """
    k = nearest.shape[1]
    seconds = []
    for row in range(len(questions)):
        began = time.perf_counter()
        index.knn_query(questions[row : row + 1], k=k, num_threads=1)
        seconds.append(time.perf_counter() - began)
    found, _ = index.knn_query(questions[: len(nearest)], k=k, num_threads=1)
    return Bare(
        len(seconds) / sum(seconds),
        _batched(index, questions, k, 1),
        _batched(index, questions, k, threads),
        float(np.median(seconds)) * 1e6,
        recall(found.tolist(), nearest),
    )


def recall(found: Iterable[Sequence[int]], nearest: Rows) -> float:
    """Return the mean share of the true nearest rows (n, k) that were found."""
    true = nearest.tolist()
    shares = [len(set(f) & set(n)) / len(n) for f, n in zip(found, true, strict=True)]
    return float(np.mean(shares))


def _batched(index: hnswlib.Index, questions: Floats, k: int, threads: int) -> float:
    began = time.perf_counter()
    for start in range(0, len(questions), BATCH):
        index.knn_query(questions[start : start + BATCH], k=k, num_threads=threads)
    return len(questions) / (time.perf_counter() - began)
