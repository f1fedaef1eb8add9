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


@dataclass(frozen=True)
class Bare:
    """Queries a second: one by one in one thread, and by the size of batches in the threads named.

    `threads` is how many the node searches with. `cpu_us` is the processor time of one question
    alone, steadier than its rate on a machine that is shared.
    """

    single: float
    batched_one_thread: dict[int, float]
    batched: dict[int, float]
    threads: int
    median_us: float
    cpu_us: float
    recall: float


def load(folder: Path, dimension: int) -> hnswlib.Index:
    """Open the graph that the clinic's node has saved."""
    (path,) = DataDirectory(folder / CLINIC).indexes.rglob("*.graph")
    index = hnswlib.Index(space="ip", dim=dimension)
    index.load_index(str(path))
    index.set_ef(IndexSettings().ef)
    return index


def measure(
    index: hnswlib.Index, questions: Floats, nearest: Rows, threads: int, batches: Sequence[int]
) -> Bare:
    """Ask all `questions` (n, d) in each way; `nearest` (m, k): the first m questions' true rows.

    Row numbers of the graph are document numbers, because that is the order of ingestion.
    """
    k = nearest.shape[1]
    rate, median_us, cpu_us = alone(index, questions, k)
    found, _ = index.knn_query(questions[: len(nearest)], k=k, num_threads=1)
    return Bare(
        rate,
        {size: _batched(index, questions, k, 1, size) for size in batches},
        {size: _batched(index, questions, k, threads, size) for size in batches},
        threads,
        median_us,
        cpu_us,
        recall(found.tolist(), nearest),
    )


def alone(index: hnswlib.Index, questions: Floats, k: int) -> tuple[float, float, float]:
    """Ask one by one in one thread: questions a second, median and processor microseconds."""
    seconds, cpu = [], time.thread_time()
    for row in range(len(questions)):
        began = time.perf_counter()
        index.knn_query(questions[row : row + 1], k=k, num_threads=1)
        seconds.append(time.perf_counter() - began)
    cpu = time.thread_time() - cpu
    return len(seconds) / sum(seconds), float(np.median(seconds)) * 1e6, cpu / len(seconds) * 1e6


def recall(found: Iterable[Sequence[int]], nearest: Rows) -> float:
    """Return the mean share of the true nearest rows (n, k) that were found."""
    true = nearest.tolist()
    shares = [len(set(f) & set(n)) / len(n) for f, n in zip(found, true, strict=True)]
    return float(np.mean(shares))


def _batched(index: hnswlib.Index, questions: Floats, k: int, threads: int, size: int) -> float:
    began = time.perf_counter()
    for start in range(0, len(questions), size):
        index.knn_query(questions[start : start + size], k=k, num_threads=threads)
    return len(questions) / (time.perf_counter() - began)
