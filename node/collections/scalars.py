"""What scoring needs of each chunk, computed once: kept in store.db, held in memory for answers.

The rule of this file: an answer never waits for it. A search takes the tables as they are; of
chunks that have no scalars yet, whoever scores computes them on the spot, by the same code. Missing
ones are computed in the background, batch by batch in the thread for builds, and each batch is
durable before the next begins, so an interrupted run goes on where it stopped. What a change costs
follows from what it brought: a table that is held is continued, and read as a whole now and then.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import structlog

from node.store import chunk_rows, scalar_rows
from node.store.scalar_rows import FloatArray, ScalarTable
from node.store.version_rows import VersionRow

if TYPE_CHECKING:
    from adapters.corrected import Scalars, Yardstick
    from node.collections.index_keeper import Progress, Surroundings

BATCH = 500
"""Chunks whose scalars are computed and written at once."""

_GROWTH = 1.5
"""The table is read anew once it has so many times the rows that it had when it was read last."""

_log = structlog.get_logger(__name__)

IntArray = npt.NDArray[np.int64]
YardsticksOf = Callable[[str], Sequence["Yardstick"]]
"""The yardsticks for documents in a space, by its id."""


class ScalarKeeper:
    """The scalars of one collection version, by every yardstick for its space."""

    def __init__(self, row: VersionRow, around: "Surroundings") -> None:
        """Nothing is loaded yet."""
        self._row = row
        self._around = around
        self._tables: dict[str, ScalarTable] = {}
        self._read: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def of(self, yardstick: "Yardstick", chunks: IntArray, vectors: FloatArray) -> "Scalars":
        """Return the scalars of chunks (m,) with their vectors (m, d), known or computed now."""
        found = lookup(self._tables.get(yardstick.digest), chunks)
        if found is None:
            return yardstick.scalars(vectors)
        known, scalars = found
        if not known.all():
            fresh = yardstick.scalars(vectors[~known])
            scalars.lengths[~known], scalars.hubness[~known] = fresh.lengths, fresh.hubness
        return scalars

    def prepared(self, yardstick: "Yardstick") -> bool:
        """Whether the table of a yardstick is held."""
        return yardstick.digest in self._tables

    def start(self) -> None:
        """Compute in the background what is missing; where that runs, once more after it."""
        if self._task is not None and not self._task.done():
            self._again = True
            return
        self._task = asyncio.create_task(self._run())

    async def settle(self, progress: "Progress") -> None:
        """Compute what is missing now, and show how far it is."""
        await self.done()
        await self._bring_all_up(progress)

    async def done(self) -> None:
        """Wait for the work in the background, if any."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _yardsticks(self) -> Sequence["Yardstick"]:
        return self._around.yardsticks(self._row.space_id)

    async def _run(self) -> None:
        try:
            while True:
                self._again = False
                await self._bring_all_up(_unseen)
                if not self._again:
                    return
        except Exception as error:
            # answers stay right without them, only slower; the next change tries again
            _log.error("scalars.failed", collection=self._row.name, error=type(error).__name__)

    async def _bring_all_up(self, progress: "Progress") -> None:
        yardsticks = self._yardsticks()
        for yardstick in yardsticks:
            await self._bring_up(yardstick, progress)
        current = {each.digest for each in yardsticks}
        self._tables = {name: each for name, each in self._tables.items() if name in current}
        self._read = {name: each for name, each in self._read.items() if name in current}

    async def _bring_up(self, yardstick: "Yardstick", progress: "Progress") -> None:
        """Compute and write what is missing, then hold the whole table."""
        loop, building = asyncio.get_running_loop(), self._around.building
        held = self._tables.get(yardstick.digest)
        keys = await loop.run_in_executor(building, self._missing, yardstick, held)
        for first in range(0, len(keys), BATCH):
            if self._around.stop.is_set():
                return
            some = keys[first : first + BATCH]
            made = await loop.run_in_executor(building, self._measure, yardstick, some)
            progress(first + len(some), len(keys), "scores prepared")
            if held is not None:
                held = held.joined(made)
        if held is None or self._outgrown(yardstick, held):
            held = await loop.run_in_executor(building, self._load, yardstick)
            self._read = {**self._read, yardstick.digest: len(held.keys)}
        self._tables = {**self._tables, yardstick.digest: held}

    def _outgrown(self, yardstick: "Yardstick", held: ScalarTable) -> bool:
        """Whether so much was added that the table is read anew, without deleted chunks' rows."""
        return len(held.keys) > max(BATCH, _GROWTH * self._read.get(yardstick.digest, 0))

    def _missing(self, yardstick: "Yardstick", held: ScalarTable | None) -> IntArray:
        # chunks only come under greater keys, so what lies below the last one held is complete
        after = 0 if held is None or not len(held.keys) else int(held.keys[-1])
        with self._around.store.read() as db:
            return scalar_rows.missing(db, self._row.key, yardstick.digest, after)

    def _measure(self, yardstick: "Yardstick", keys: IntArray) -> ScalarTable:
        with self._around.store.read() as db:
            present, vectors = chunk_rows.present(db, keys, self._row.envelope.dimension)
        made = yardstick.scalars(vectors)
        table = ScalarTable(present, made.lengths, made.hubness)
        with self._around.store.write() as db:
            scalar_rows.insert(db, yardstick.digest, table)
        return table

    def _load(self, yardstick: "Yardstick") -> ScalarTable:
        with self._around.store.read() as db:
            return scalar_rows.load(db, self._row.key, yardstick.digest)


def lookup(
    table: ScalarTable | None, chunks: IntArray
) -> "tuple[npt.NDArray[np.bool_], Scalars] | None":
    """Return which of the chunks (m,) a table holds, and their scalars; None where it holds none.

    Scalars of chunks that it does not hold are zero and are the caller's to fill in.
    """
    from adapters.corrected import Scalars

    if table is None or not len(table.keys):
        return None
    places = np.minimum(np.searchsorted(table.keys, chunks), len(table.keys) - 1)
    known = table.keys[places] == chunks
    lengths = np.where(known, table.lengths[places], np.float32(0))
    hubness = np.where(known, table.hubness[places], np.float32(0))
    return known, Scalars(lengths, hubness)


def _unseen(done: int, total: int | None, what: str) -> None:
    """A `Progress` for work that nobody waits for."""
