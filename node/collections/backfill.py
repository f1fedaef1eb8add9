"""Encoding the documents that a version has no vectors of yet.

The rule of this file: what is to be done is what has no row. The job holds nothing that could be
lost: it asks store.db which documents wait, encodes some, and writes each batch in one transaction,
in which every document must still wait and be as it was read. So it may be killed at any moment,
run twice, or run beside ingestion, and no document is left out or encoded into the wrong version.
Documents that partners were told of most often come first, so that a version is of use early.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from sqlite3 import Connection

import structlog

from node.collections.index_keeper import Progress, Surroundings
from node.collections.version import Version
from node.encoders.errors import EncoderError
from node.index.collection_index import CollectionIndex
from node.index.view import Change
from node.ingest.errors import BadRecord
from node.ingest.plan import Planned, Step
from node.ingest.prepare import Prepared, prepare
from node.ingest.record import Record
from node.ingest.sources import SourceUnreadable
from node.ingest.write import Rows
from node.store import document_rows, version_rows
from node.store.version_rows import Waiting

BATCH = 64
"""Documents that are encoded and written at once."""

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""Pause after the model failed (seconds); it doubles from the first to the longest."""

FOLLOWED_EVERY_S = 0.2

_log = structlog.get_logger(__name__)


@dataclass
class Left:
    """Documents that the last pass could not encode: without a text, or refused, with the cause."""

    without_text: int = 0
    refused: dict[str, str] = field(default_factory=dict)


class Backfill:
    """The job of one version; at most one pass runs at a time."""

    def __init__(
        self,
        version: Version,
        around: Surroundings,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing runs yet; it goes at the version's rate, documents a second, 0 for any."""
        self.left = Left()
        self.rate = version.row.rate
        self._row = version.row
        self._version = version
        self._around = around
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[Left] | None = None
        self._again = False
        self._began = self._speed = 0.0
        self._shown: tuple[int, int | None] = (0, None)

    async def run(self, progress: Progress, *, patient: bool = False) -> Left:
        """Encode until nothing waits that can be encoded; return what is left.

        `patient`: where the model fails, try again ever more rarely; else raise EncoderError. Ends
        early where the node closes or `stop` was called.
        """
        async with self._turn:
            pause = FIRST_PAUSE_S
            while not self._stopped:
                try:
                    self._again = False
                    if not await self._pass(progress) and not self._again:
                        break
                    pause = FIRST_PAUSE_S
                except EncoderError as error:
                    if not patient:
                        raise
                    name = type(error).__name__
                    _log.warning("backfill waits", version=self._version.name, error=name)
                    await self._wait(pause)
                    pause = min(LONGEST_PAUSE_S, pause * 2)
            return self.left

    def start(self) -> None:
        """Run in the background, patiently; where that runs, one pass more."""
        self._again = True
        if self.idle:
            self._task = asyncio.create_task(self.run(self._note, patient=True))

    @property
    def idle(self) -> bool:
        """Whether nothing runs."""
        return self._task is None or self._task.done()

    async def follow(self, progress: Progress) -> Left:
        """Start in the background, and wait for the end; who goes away does not stop the job."""
        self.start()
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task}, timeout=FOLLOWED_EVERY_S)
            progress(*self._shown, "documents encoded")
        return self.left

    async def stop(self) -> None:
        """End after the batch under way, and wait for that."""
        self._stop.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        async with self._turn:
            return

    def _note(self, done: int, total: int | None, what: str) -> None:
        del what
        self._shown = (done, total)

    @property
    def _stopped(self) -> bool:
        return self._stop.is_set() or self._around.stop.is_set()

    async def _pass(self, progress: Progress) -> int:
        """Go once through what waits; return how many documents were written."""
        self.left, written = Left(), 0
        covered = await asyncio.to_thread(self._version.coverage)
        first, self._began = await asyncio.to_thread(self._asked_waiting), self._seconds()
        after, tried = 0, frozenset(one.key for one in first)
        while not self._stopped:
            began = self._seconds()
            most = min(BATCH, self.rate) if self.rate else BATCH
            batch, first = first[:most], first[most:]
            if not batch:
                batch = await asyncio.to_thread(self._waiting, after, most)
                if not batch:
                    break
                after = batch[-1].key
                batch = [one for one in batch if one.key not in tried]
            done = await self._fill(batch)
            written += done
            self._speed = written / max(self._seconds() - self._began, 1e-3)
            progress(covered.covered + written, covered.documents, "documents encoded")
            if self.rate and done:
                await self._wait(done / self.rate - (self._seconds() - began))
        return written

    @property
    def per_second(self) -> float | None:
        """Documents a second of the pass under way, or of the last one; None: not known yet."""
        return self._speed or None

    async def _wait(self, seconds: float) -> None:
        """Wait so long, or until the job is to stop; the node's closing is seen within a second."""
        until = self._seconds() + seconds
        while (left := until - self._seconds()) > 0 and not self._stopped:
            try:
                async with asyncio.timeout(min(left, 1.0)):
                    await self._stop.wait()
            except TimeoutError:
                continue

    def _asked_waiting(self) -> list[Waiting]:
        """Those that wait and were told of most often, these first."""
        keys = self._around.most_asked(self._row.name)
        with self._around.store.read() as db:
            return version_rows.waiting_among(db, self._row.key, keys)

    def _waiting(self, after: int, most: int) -> list[Waiting]:
        with self._around.store.read() as db:
            return version_rows.waiting(db, self._row.collection, self._row.key, after, most)

    async def _fill(self, batch: list[Waiting]) -> int:
        """Encode and write one batch, as far as that is possible; return how many were written."""
        texts = await asyncio.to_thread(self._with_texts, batch)
        ready = await self._encoded(texts)
        if not ready:
            return 0
        index = await self._version.index()

        def work(db: Connection, sequence: int) -> tuple[Change, int]:
            del sequence  # no document changes, only what a version knows of it
            return self._write(db, index, ready)

        written = await asyncio.to_thread(index.change, work)
        self._version.changed()
        return written

    def _with_texts(self, batch: list[Waiting]) -> list[Waiting]:
        """Those of a batch that have a text, read where it stays elsewhere; notes the others."""
        found = []
        for one in batch:
            try:
                text = self._around.sources.text_of(one.text, one.uri, one.source)
            except SourceUnreadable as error:
                self.left.refused[one.external_id] = str(error)
                continue
            if text:
                found.append(replace(one, text=text))
            else:
                self.left.without_text += 1
        return found

    async def _encoded(self, batch: list[Waiting]) -> list[tuple[Waiting, Prepared]]:
        """The vectors of a batch; where one document is refused, of each of the others alone."""
        if not batch:
            return []
        records = [Record(one.external_id, one.external_id, text=one.text) for one in batch]
        planned = [Planned(record, Step.NEW, None) for record in records]
        try:
            most = self._around.settings.max_pieces
            ready = await prepare(planned, self._version.encoder, most)
        except BadRecord as error:
            if len(batch) == 1:
                self.left.refused[batch[0].external_id] = str(error)
                return []
            return [each for one in batch for each in await self._encoded([one])]
        return list(zip(batch, ready, strict=True))

    def _write(
        self, db: Connection, index: CollectionIndex, ready: list[tuple[Waiting, Prepared]]
    ) -> tuple[Change, int]:
        """Write the vectors of those that still wait and are as they were read."""
        rows, written = Rows(), 0
        if not version_rows.is_kept(db, self._row.key):
            return rows.write(db, self._row.key, index.nearness), 0
        names = document_rows.label_sets(db)
        for document, item in ready:
            label_set = version_rows.still_waiting(db, self._row.key, document)
            if label_set is None:
                continue
            rows.add((document.key, item.spans), item.vectors, label_set, names[label_set])
            written += 1
        return rows.write(db, self._row.key, index.nearness), written
