"""(g) What it takes to bring documents in and to hold them, beside bare hnswlib.

The rule of this file: each figure is taken in a process of its own, so that nobody else's memory or
warm caches count. Both sides build their graphs with as many threads, in turns of half a second.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

import hnswlib

from benchmarks.mixed_load.memory import held
from benchmarks.one_node.asking import note
from benchmarks.one_node.founding import COLLECTION, DOCUMENTS, create, envelope, opened
from benchmarks.one_node.founding import records as given
from benchmarks.one_node.processes import one_process
from benchmarks.one_node.synthetic import Shape, World
from benchmarks.speed.turns import Span, in_turns
from node.data_directory import DataDirectory
from node.index.settings import IndexSettings
from node.operations.registry import silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.one_node.kept import Kept
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


def measure(folder: Path, shape: Shape, rounds: int, kept: Kept) -> dict[str, Any]:
    """Ingest in `rounds`, in turns with bare hnswlib, then weigh and start what the last one left.

    What is kept is not measured again; `folder` holds the node until all is.
    """
    job, count = Job(folder, shape), shape.documents
    given = {"shape": asdict(shape), "index": asdict(IndexSettings())}
    folder.mkdir(parents=True, exist_ok=True)
    pairs = list[list[list[float]]]()
    for number in range(1, rounds + 1):
        figure = f"pairs/round-{number}"
        if not kept.has(figure, given):
            note(
                f"ingestion, round {number}: {count} documents, the node and bare hnswlib in turns"
            )
        pairs.append(kept.figure(figure, given, lambda: in_turns((_bare_added, _ingested), job)))
    with_snapshot_s, node_held = kept.figure("start/snapshot", given, lambda: _alone(_started, job))
    _, bare_held = kept.figure("start/bare", given, lambda: _alone(_bare_loaded, job))
    disk = kept.figure("disk", given, lambda: _disk(job))
    without_snapshot_s, _ = kept.figure("start/none", given, lambda: _without_snapshot(job))
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "documents": count,
        "threads": IndexSettings().build_threads,
        **_rates(pairs, count),
        "node_memory_bytes": node_held["anonymous"] / count,
        "node_mapped_bytes": node_held["mapped"] / count,
        "hnswlib_memory_bytes": bare_held["anonymous"] / count,
        "node_disk_bytes": disk["all"] / count,
        "indexes_disk_bytes": disk["indexes"] / count,
        "start_with_snapshot_s": with_snapshot_s,
        "start_without_snapshot_s": without_snapshot_s,
    }


def _rates(pairs: list[list[list[float]]], count: int) -> dict[str, Any]:
    """Documents a second and their processor time, and the ratios of what ran in turns."""
    shown: dict[str, Any] = {}
    for place, name in enumerate(("hnswlib", "node")):
        rates = [count / pair[place][0] for pair in pairs]
        shown[f"{name}_per_second"] = median(rates)
        shown[f"{name}_per_second_span"] = [min(rates), max(rates)]
        shown[f"{name}_cpu_us"] = median(pair[place][1] for pair in pairs) / count * 1e6
    ratios = [bare[0] / node[0] for bare, node in pairs]
    shown["ratio"], shown["ratio_span"] = median(ratios), [min(ratios), max(ratios)]
    shown["cpu_ratio"] = median(bare[1] / node[1] for bare, node in pairs)
    return shown


def _disk(job: Job) -> dict[str, int]:
    data = DataDirectory(job.folder / NAME)
    return {"indexes": _bytes(data.indexes), "all": _bytes(data.path)}


def _without_snapshot(job: Job) -> tuple[float, dict[str, int]]:
    indexes = DataDirectory(job.folder / NAME).indexes
    shutil.rmtree(indexes)
    indexes.mkdir(mode=0o700)
    return _alone(_started, job)


def _alone(figure: Callable[[Job], T], job: Job) -> T:
    """Take a figure in a new process."""
    with one_process() as process:
        return process.submit(figure, job).result()


def _bare_added(job: Job) -> Span:
    """What bare `add_items` takes; the graph is saved for its weight."""
    documents, settings = job.documents(), IndexSettings()
    began, cpu = time.monotonic(), time.process_time()
    index = hnswlib.Index(space="ip", dim=documents.shape[1])
    index.init_index(len(documents), ef_construction=settings.ef_construction, M=settings.m)
    index.add_items(documents, num_threads=settings.build_threads)
    taken = Span(began, time.monotonic(), time.process_time() - cpu)
    index.save_index(str(_bare_file(job)))
    return taken


def _ingested(job: Job) -> Span:
    """What it takes until every document is stored and in the graph."""
    return asyncio.run(_ingest(job))


async def _ingest(job: Job) -> Span:
    documents = job.documents()
    shutil.rmtree(job.folder / NAME, ignore_errors=True)
    create(job.folder / NAME, NAME, 1)
    async with opened(job.folder, NAME) as node:
        node.encoders.add("given", "caller", {}, envelope(documents.shape[1]))
        collection = await node.collections.create(COLLECTION, "given")
        began, cpu = time.monotonic(), time.process_time()
        await collection.ingest(given(documents), len(documents), silent)
        await collection.settle(silent)
        taken = Span(began, time.monotonic(), time.process_time() - cpu)
        await collection.compact(silent)  # all rows in one graph, as the bare index has them
    return taken


def _started(job: Job) -> tuple[float, dict[str, int]]:
    """Seconds until a stopped node can search, and the memory that its documents take."""
    return asyncio.run(_start(job))


async def _start(job: Job) -> tuple[float, dict[str, int]]:
    began = time.perf_counter()
    async with opened(job.folder, NAME) as node:
        collection, before = node.collections.get(COLLECTION), held()
        await collection.load()
        await collection.settle(silent)
        return time.perf_counter() - began, _more(before)


def _bare_loaded(job: Job) -> tuple[float, dict[str, int]]:
    """Seconds to load the bare graph, and its memory."""
    began, before = time.perf_counter(), held()
    index = hnswlib.Index(space="ip", dim=job.shape.dimension)
    index.load_index(str(_bare_file(job)))
    return time.perf_counter() - began, _more(before)


def _bare_file(job: Job) -> Path:
    return job.folder / "bare.graph"


def _more(before: dict[str, int]) -> dict[str, int]:
    """How much more it is now."""
    return {name: now - before[name] for name, now in held().items()}


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
