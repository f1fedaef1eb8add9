"""The life of one version's index: loaded when first needed, rebuilt in the background when due.

Searches and loads run in the search threads, builds in the one thread for builds, so that a build
never takes the place of a search. This object owns the task of its background rebuild.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import TypeVar

import structlog

from node.clock import Clock
from node.collections.scalars import YardsticksOf
from node.collections.waiting_searches import WaitingSearches
from node.encoders.registry import Encoders
from node.index.among import Among
from node.index.candidate import Candidates, FloatArray
from node.index.collection_index import CollectionIndex
from node.index.graph import BuildStopped
from node.index.settings import IndexSettings
from node.ingest.sources import Sources
from node.store.store import Store
from node.store.version_rows import VersionRow

T = TypeVar("T")
Progress = Callable[[int, int | None, str], None]
"""(done, total or None when unknown, what)."""

MostAsked = Callable[[str], Sequence[int]]
"""Collection -> keys of the documents that were told of most often, these first; blocking."""

_log = structlog.get_logger(__name__)

_LOOK_S = 0.05

REST_S = 10.0
"""Seconds without a change after which a collection is taken to be at rest."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all collections of a node share.

    `yardsticks`: by which documents of a space score; `most_asked`: what is encoded first;
    `sources`: texts that stay where they are.
    """

    store: Store
    directory: Path
    encoders: Encoders
    settings: IndexSettings
    clock: Clock
    searching: Executor
    building: Executor
    stop: Event
    yardsticks: YardsticksOf
    most_asked: MostAsked
    sources: Sources


class IndexKeeper:
    """Keeps one index."""

    def __init__(self, row: VersionRow, around: Surroundings) -> None:
        """Nothing is loaded yet."""
        self._row = row
        self._around = around
        self._loading = Lock()
        self._loaded: CollectionIndex | None = None
        self._rebuild: asyncio.Task[None] | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._searches = WaitingSearches(
            lambda *asked: self._index().search(*asked),
            around.searching,
            around.settings.search_threads,
        )

    async def index(self) -> CollectionIndex:
        """Return the index, loaded."""
        if self._loaded is not None:
            return self._loaded
        return await self.in_search_thread(self._index)

    async def search(
        self, queries: FloatArray, k: int, visible: frozenset[str] | None, among: Among
    ) -> list[Candidates]:
        """Search the index, together with whatever else waits for it."""
        return await self._searches.search(queries, k, visible, among)

    async def in_search_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Run blocking work in a search thread."""
        return await in_search_thread(self._around, work, *arguments)

    def start_rebuild_if_due(self) -> None:
        """Begin a rebuild in the background, unless one runs or none is due."""
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.get_running_loop().call_later(REST_S, self._start_if_due, True)
        self._start_if_due(False)

    def _start_if_due(self, at_rest: bool) -> None:
        idle = self._rebuild is None or self._rebuild.done()
        if idle and self._loaded is not None and self._loaded.rebuild_due(at_rest=at_rest):
            self._rebuild = asyncio.create_task(self._rebuild_in_background(at_rest))

    async def keep_up(self) -> None:
        """Wait while a rebuild runs and far more came in than it can take in.

        Every search looks through what is not in the graph yet, so documents may not come in faster
        for long than they are indexed. Where a rebuild fails, nobody waits for it.
        """
        index, rebuild = self._loaded, self._rebuild
        while index is not None and rebuild is not None and index.is_behind():
            await asyncio.wait([rebuild], timeout=_LOOK_S)
            if rebuild.done():
                return

    async def settle(self, progress: Progress) -> None:
        """Wait until no rebuild is due any more, as for a collection that nobody writes to.

        Raises BuildStopped when the node closes.
        """
        await self.background_done()
        await self._build_while_due(progress, at_rest=True)

    async def build(self, progress: Progress, *, anew: bool) -> None:
        """Build the next snapshot now. Raises BuildStopped when the node closes."""
        index = await self.index()

        def shown(done: int, total: int) -> None:
            progress(done, total, "rows indexed")

        work = partial(index.rebuild, self._around.stop, shown, anew=anew)
        await asyncio.get_running_loop().run_in_executor(self._around.building, work)

    async def background_done(self) -> None:
        """Wait for the rebuild in the background, if one runs; none begins by itself later."""
        if self._resting is not None:
            self._resting.cancel()
        if self._rebuild is not None:
            await asyncio.gather(self._rebuild, return_exceptions=True)

    def _index(self) -> CollectionIndex:
        with self._loading:
            if self._loaded is None:
                around = self._around
                self._loaded = CollectionIndex(
                    around.store, self._row, around.directory, around.settings
                )
            return self._loaded

    async def _build_while_due(self, progress: Progress, *, at_rest: bool) -> None:
        index = await self.index()
        while index.rebuild_due(at_rest=at_rest) and not self._around.stop.is_set():
            await self.build(progress, anew=False)

    async def _rebuild_in_background(self, at_rest: bool) -> None:
        try:
            await self._build_while_due(_unseen, at_rest=at_rest)
        except BuildStopped:
            return
        except Exception as error:
            # searches stay right without it, only slower; the next change tries again
            _log.error(
                "index.rebuild_failed", collection=self._row.name, error=type(error).__name__
            )


async def in_search_thread(around: Surroundings, work: Callable[..., T], *arguments: object) -> T:
    """Run blocking work in one of the threads for searches."""
    return await asyncio.get_running_loop().run_in_executor(around.searching, work, *arguments)


def _unseen(done: int, total: int | None, what: str) -> None:
    """A `Progress` for work that nobody waits for."""
