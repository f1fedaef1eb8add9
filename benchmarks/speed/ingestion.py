"""(g) What it takes to bring documents in and to hold them, beside bare hnswlib.

The rule of this file: each figure is taken in a process of its own, so that nobody else's memory or
warm caches count. Both sides build their graphs with as many threads.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import hnswlib

from benchmarks.one_node.founding import COLLECTION, DOCUMENTS, create, envelope, opened
from benchmarks.one_node.founding import records as given
from benchmarks.one_node.synthetic import Shape, World
from node.config import Log
from node.data_directory import DataDirectory
from node.index.settings import IndexSettings
from node.logging import configure
from node.operations.registry import silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.one_node.synthetic import Floats

T = TypeVar("T")
NAME = "library.example"


@dataclass(frozen=True)
class Job:
    """What each process is given: where the node lies, and the shape of the documents."""

    folder: Path
    shape: Shape

    def documents(self) -> Floats:
        """The vectors (n, d)."""
        world, shape = World(self.shape), self.shape
        return world.seen(world.meanings(shape.documents, DOCUMENTS), shape.dimension, DOCUMENTS)


def measure(folder: Path, shape: Shape) -> dict[str, Any]:
    """Ingest, weigh and start; `folder` is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job, count = Job(folder, shape), shape.documents
    bare_s, bare_cpu_s = _alone(_bare_added, job)
    node_s, node_cpu_s = _alone(_ingested, job)
    data = DataDirectory(folder / NAME)
    with_snapshot_s, node_bytes = _alone(_started, job)
    _, bare_bytes = _alone(_bare_loaded, job)
    disk = {
        name: _bytes(path) / count for name, path in (("indexes", data.indexes), ("all", data.path))
    }
    for path in data.indexes.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    without_snapshot_s, _ = _alone(_started, job)
    return {
        "documents": count,
        "threads": IndexSettings().build_threads,
        "node_per_second": count / node_s,
        "node_cpu_us": node_cpu_s / count * 1e6,
        "hnswlib_per_second": count / bare_s,
        "hnswlib_cpu_us": bare_cpu_s / count * 1e6,
        "node_memory_bytes": node_bytes / count,
        "hnswlib_memory_bytes": bare_bytes / count,
        "node_disk_bytes": disk["all"],
        "indexes_disk_bytes": disk["indexes"],
        "start_with_snapshot_s": with_snapshot_s,
        "start_without_snapshot_s": without_snapshot_s,
    }


def _alone(figure: Callable[[Job], T], job: Job) -> T:
    """Take a figure in a new process, which says nothing by itself."""
    spawn, quiet = get_context("spawn"), Log(level="warning", format="text")
    with ProcessPoolExecutor(1, spawn, initializer=configure, initargs=(quiet,)) as process:
        return process.submit(figure, job).result()


def _bare_added(job: Job) -> tuple[float, float]:
    """Seconds and processor seconds of bare `add_items`; the graph is saved for its weight."""
    documents, settings = job.documents(), IndexSettings()
    began, cpu = time.perf_counter(), time.process_time()
    index = hnswlib.Index(space="ip", dim=documents.shape[1])
    index.init_index(len(documents), ef_construction=settings.ef_construction, M=settings.m)
    index.add_items(documents, num_threads=settings.build_threads)
    taken = time.perf_counter() - began, time.process_time() - cpu
    index.save_index(str(_bare_file(job)))
    return taken


def _ingested(job: Job) -> tuple[float, float]:
    """Seconds and processor seconds until every document is stored and in the graph."""
    return asyncio.run(_ingest(job))


async def _ingest(job: Job) -> tuple[float, float]:
    documents = job.documents()
    create(job.folder / NAME, NAME, 1)
    async with opened(job.folder, NAME) as node:
        node.encoders.add("given", "caller", {}, envelope(documents.shape[1]))
        collection = await node.collections.create(COLLECTION, "given")
        began, cpu = time.perf_counter(), time.process_time()
        await collection.ingest(given(documents), len(documents), silent)
        await collection.settle(silent)
        taken = time.perf_counter() - began, time.process_time() - cpu
        await collection.compact(silent)  # all rows in one graph, as the bare index has them
    return taken


def _started(job: Job) -> tuple[float, int]:
    """Seconds until a stopped node can search, and the memory that its documents take."""
    return asyncio.run(_start(job))


async def _start(job: Job) -> tuple[float, int]:
    began = time.perf_counter()
    async with opened(job.folder, NAME) as node:
        collection, before = node.collections.get(COLLECTION), _memory()
        await collection.load()
        await collection.settle(silent)
        return time.perf_counter() - began, _memory() - before


def _bare_loaded(job: Job) -> tuple[float, int]:
    """Seconds to load the bare graph, and its memory."""
    began, before = time.perf_counter(), _memory()
    index = hnswlib.Index(space="ip", dim=job.shape.dimension)
    index.load_index(str(_bare_file(job)))
    return time.perf_counter() - began, _memory() - before


def _bare_file(job: Job) -> Path:
    return job.folder / "bare.graph"


def _memory() -> int:
    """Resident bytes of this process; 0 where /proc does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
