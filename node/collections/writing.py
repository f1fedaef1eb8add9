"""Writing documents: into every kept version of their collection, in one transaction.

The rule of this file: a document and its vectors in all versions change together. What the serving
version cannot encode is refused; what another one cannot (its model does not answer, or the
document came as a bare vector) loses its former vectors there and waits to be encoded, so that no
version ever shows what a document no longer says.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from sqlite3 import Connection

import numpy as np
import structlog

from node.collections.index_keeper import Progress, Surroundings
from node.collections.standing import Standing
from node.collections.version import Version
from node.encoders.errors import EncoderError
from node.index.collection_index import change_together
from node.index.view import Change
from node.ingest.errors import BadRecord
from node.ingest.plan import Planned, Step, batches, plan
from node.ingest.prepare import Prepared, prepare, prepare_texts, unprepared
from node.ingest.record import Record
from node.ingest.sources import with_texts
from node.ingest.write import Counts, Target, write
from node.store import chunk_rows, document_rows, version_rows
from node.store.document_rows import DocumentRow

_log = structlog.get_logger(__name__)

Known = Callable[[list[str]], Mapping[str, DocumentRow]]


class Writing:
    """The one writer of a collection's documents; `turn` is held while anything is written."""

    def __init__(
        self,
        collection: int,
        around: Surroundings,
        standing: Callable[[], Standing],
        known: Known,
        changed: Callable[[], None],
        waiting: Callable[[Version], None],
    ) -> None:
        """`collection` is its key; `known` finds documents.

        After a commit `changed` is called, and `waiting` for each version that could not encode.
        """
        self.turn = asyncio.Lock()
        self._collection = collection
        self._around = around
        self._standing = standing
        self._known = known
        self._changed = changed
        self._waiting = waiting

    async def ingest(
        self, records: Iterable[Record], total: int | None, progress: Progress
    ) -> Counts:
        """Bring documents in, batch by batch, each batch whole or not at all.

        A record stored already as it is counts as unchanged, so an interrupted run is resumed by
        repeating it. Raises BadRecord or EncoderError at the first fault; earlier batches stay.
        """
        counts = Counts()
        done = 0
        source = batches(with_texts(records, self._around.sources))
        while batch := await asyncio.to_thread(next, source, None):
            counts += await self._ingest_batch(batch)
            done += len(batch)
            progress(done, total, "documents")
            for version in self._standing().kept:
                await version.keep_up()
        return counts

    async def delete(self, external_ids: Iterable[str]) -> int:
        """Delete documents with their texts and vectors; return how many there were."""
        wanted = list(external_ids)
        async with self.turn:
            kept = self._standing().kept
            indexes = [await version.index() for version in kept]
            work = partial(self._delete, wanted, [version.key for version in kept])
            count = await asyncio.to_thread(change_together, indexes, work)
        self._changed()
        return count

    async def _ingest_batch(self, batch: list[Record]) -> Counts:
        async with self.turn:
            planned = await asyncio.to_thread(self._planned, batch)
            if all(item.step is Step.NOTHING for item in planned):
                return Counts(unchanged=len(batch))
            standing = self._standing()
            await asyncio.to_thread(self._require_own_vectors, batch, standing.serving)
            indexes, targets = [], []
            for version in standing.kept:
                ready = await self._prepared(version, planned, version is standing.serving)
                index = await version.index()
                indexes.append(index)
                targets.append(Target(version.key, index.nearness, ready))
            at = self._around.clock()

            def work(db: Connection, sequence: int) -> tuple[Sequence[Change], Counts]:
                return write(db, self._collection, targets, sequence, at)

            counts = await asyncio.to_thread(change_together, indexes, work)
        self._changed()
        for version, target in zip(standing.kept, targets, strict=True):
            if any(one.planned.needs_vectors and not one.spans for one in target.batch):
                self._waiting(version)
        return counts

    def _planned(self, batch: list[Record]) -> list[Planned]:
        """What is to be written, beside what is stored; digests take time, so in a thread."""
        known = self._known([record.id for record in batch])
        return [plan(record, known.get(record.id)) for record in batch]

    async def _prepared(
        self, version: Version, planned: list[Planned], serving: bool
    ) -> list[Prepared]:
        """The batch's vectors in one version's space; vectors that came along are the serving's."""
        most = self._around.settings.max_pieces
        if serving:
            return await prepare(planned, version.encoder, most)
        try:
            return await prepare_texts(planned, version.encoder, most)
        except (EncoderError, BadRecord) as error:
            name = type(error).__name__
            _log.warning("documents wait for their vectors", version=version.name, error=name)
            return unprepared(planned, version.envelope.dimension)

    def _require_own_vectors(self, batch: list[Record], serving: Version) -> None:
        """Refuse vectors of another model than the serving version's.

        Where a collection has had several versions, a file may be older than the last switch, so
        whoever gives vectors must say whose they are.
        """
        given = [record for record in batch if record.vector is not None]
        if not given:
            return
        with self._around.store.read() as db:
            alone = version_rows.is_only(db, self._collection)
        for record in given:
            if record.space != serving.space_id and not (alone and record.space is None):
                raise BadRecord(
                    record.where,
                    f"its vector is not said to be of the space of {serving.name}, which serves",
                    fix=f"Give vectors of encoder {serving.encoder_name}, and say so: "
                    f"--vectors-of {serving.encoder_name}",
                )

    def _delete(
        self, wanted: list[str], versions: list[int], db: Connection, sequence: int
    ) -> tuple[list[Change], int]:
        del sequence  # counted by the index; a document that is gone has no place for it
        found = document_rows.find_many(db, self._collection, wanted)
        changes = []
        for version in versions:
            removed = [
                key
                for document in found.values()
                for key in chunk_rows.keys_of(db, version, document.key)
            ]
            changes.append(Change(np.array(removed, dtype=np.int64), None, {}))
        document_rows.delete(db, (document.key for document in found.values()))
        return changes, len(found)
