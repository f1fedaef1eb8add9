"""One collection: its documents, and the versions by which they are found.

A document belongs to the collection and keeps its internal key in every version. Everything that
changes documents goes through `Writing`, one batch at a time; searches never wait for it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as KeyCollection

import numpy as np
import numpy.typing as npt
import structlog

from node.collections.backfill import Backfill
from node.collections.errors import VersionNotFit
from node.collections.index_keeper import Progress, Surroundings, in_search_thread
from node.collections.merging import covered_in
from node.collections.standing import Standing
from node.collections.switching import AppendLeaf, Switching
from node.collections.version import IndexState, Version
from node.collections.writing import Writing
from node.encoders.encoder import Encoder
from node.ingest.record import Record
from node.ingest.sources import Sources
from node.ingest.write import Counts
from node.store import collection_rows, document_rows
from node.store.collection_rows import CollectionRow
from node.store.document_rows import DocumentRow
from node.turns import Turns
from protocol.envelope import Envelope
from protocol.metadata_filter import Condition

_FILTERS_KEPT = 64  # filters of which the documents are remembered until something changes

_log = structlog.get_logger(__name__)


class Collection:
    """A named set of documents; it is searched through one of its versions, see `standing`."""

    def __init__(self, row: CollectionRow, standing: Standing, around: Surroundings) -> None:
        self.key = row.key
        self._row = row
        self._standing = standing
        self._around = around
        self._writing = Writing(
            row.key, around, lambda: self._standing, self.find, self._after_change, self._left_some
        )
        self._backfills: dict[int, Backfill] = {}
        self.turns = Turns()
        self._counted: dict[frozenset[str] | None, int] = {}
        self._matching: dict[str, npt.NDArray[np.int64]] = {}

    @property
    def name(self) -> str:
        """Name, unique within the node."""
        return self._row.name

    @property
    def title(self) -> str:
        """Title for people, shown to partners whom a grant admits."""
        return self._row.title

    @property
    def description(self) -> str:
        """Description for people, shown to partners whom a grant admits."""
        return self._row.description

    @property
    def language(self) -> str:
        """Language of the documents, a BCP 47 tag, or empty."""
        return self._row.language

    @property
    def created_at(self) -> int:
        """When it was created, epoch seconds UTC."""
        return self._row.created_at

    @property
    def standing(self) -> Standing:
        """The versions now; take it once for a question, whose route and search go with one."""
        return self._standing

    @property
    def serving(self) -> Version:
        """The version that answers."""
        return self._standing.serving

    @property
    def encoder(self) -> Encoder:
        """The encoder by which own questions are asked: the serving version's, or a bridge's."""
        return self.asked_by(self._standing)

    def asked_by(self, standing: Standing) -> Encoder:
        """Return the encoder by which own questions reach the serving version of a standing."""
        if standing.course is not None and standing.asked_over is not None:
            return self._around.encoders.get(standing.course.row.encoder)
        return standing.serving.encoder

    @property
    def envelope(self) -> Envelope:
        """The envelope of the serving version's vectors."""
        return self.serving.envelope

    @property
    def space_id(self) -> str:
        """The id of the serving version's space."""
        return self.serving.space_id

    @property
    def version(self) -> str:
        """The serving version's name, such as `v3`; never used again for anything else."""
        return self.serving.name

    def stand(self, standing: Standing) -> None:
        """Replace the versions; for `Switching` alone, in the guard of the leaf that says so."""
        self._standing = standing

    def version_named(self, name: str) -> Version:
        """Return one of the kept versions. Raises VersionNotFit."""
        for version in self._standing.kept:
            if version.name == name:
                return version
        raise VersionNotFit(
            f"no version {name} of {self.name} is kept",
            fix=f"`interlingua catalog {self.name}` shows those there are.",
        )

    def backfill(self, version: Version) -> Backfill:
        """Return the job that encodes what has no vectors in a kept version."""
        job = self._backfills.get(version.key)
        if job is None:
            job = self._backfills[version.key] = Backfill(version, self._around)
        return job

    def start_backfills(self) -> None:
        """Encode in the background what waits in any version, however long the model takes."""
        for version in self._standing.kept:
            if version.encoder.takes_text:
                self.backfill(version).start()

    def switching(self, append: AppendLeaf) -> Switching:
        """Return what changes its versions; `append` writes the leaves."""
        return Switching(self, self._around, append, self.turns)

    def covered_in(self, version: Version) -> Callable[[KeyCollection[int]], frozenset[int]]:
        """Return what says which documents, by key, have vectors in a version now; blocking."""
        return covered_in(self._around.store, version)

    async def stop_backfill(self, version: Version) -> None:
        """End the job of a version that is given up."""
        job = self._backfills.pop(version.key, None)
        if job is not None:
            await job.stop()

    @property
    def writing(self) -> Writing:
        """The one writer of its documents, for whoever must know that nothing is written."""
        return self._writing

    @property
    def sources(self) -> Sources:
        """What reads texts that stay where they are."""
        return self._around.sources

    @property
    def documents(self) -> int:
        """Number of documents now."""
        with self._around.store.read() as db:
            return document_rows.count(db, self._row.key)

    def labels(self) -> dict[str, int]:
        """Return how many documents carry each label."""
        with self._around.store.read() as db:
            return document_rows.count_labels(db, self._row.key)

    def count_visible(self, visible: frozenset[str] | None) -> int:
        """Return how many documents carry at least one of the labels; None: all documents."""
        if visible not in self._counted:
            with self._around.store.read() as db:
                self._counted[visible] = document_rows.count_visible(db, self._row.key, visible)
        return self._counted[visible]

    async def matching(self, conditions: Mapping[str, Condition]) -> npt.NDArray[np.int64]:
        """Return the sorted internal keys of the documents whose metadata fulfil all conditions."""
        wanted = repr(sorted(conditions.items()))
        kept = self._matching.get(wanted)
        if kept is not None:
            return kept
        matching = self._matching
        keys = await in_search_thread(self._around, self._find_matching, conditions)
        if len(matching) < _FILTERS_KEPT:
            matching[wanted] = keys  # of no use to anybody where a change replaced it meanwhile
        return keys

    def external_id(self, key: int) -> str | None:
        """Return the id that a document was ingested with, None when it is gone."""
        row = self.describe(key)
        return None if row is None else row.external_id

    def describe(self, key: int) -> DocumentRow | None:
        """Return the document of an internal key, None when it is gone. For the owner only."""
        with self._around.store.read() as db:
            return document_rows.find_by_key(db, self._row.key, key)

    def external_ids(self, keys: Iterable[int]) -> dict[int, str]:
        """Return the ids that documents were ingested with, by internal key."""
        with self._around.store.read() as db:
            return document_rows.external_ids(db, self._row.key, keys)

    def texts(self, keys: Sequence[int]) -> dict[int, str]:
        """Return the texts of documents by internal key, of those that have one."""
        with self._around.store.read() as db:
            return document_rows.texts(db, self._row.key, keys)

    def find(self, external_ids: Iterable[str]) -> dict[str, DocumentRow]:
        """Return those of the documents that exist, by external id. For the owner only."""
        with self._around.store.read() as db:
            return document_rows.find_many(db, self._row.key, external_ids)

    async def ingest(
        self, records: Iterable[Record], total: int | None, progress: Progress
    ) -> Counts:
        """Bring documents in, batch by batch, each batch whole or not at all.

        A record stored already as it is counts as unchanged, so an interrupted run is resumed by
        repeating it. Raises BadRecord or EncoderError at the first fault; earlier batches stay.
        """
        return await self._writing.ingest(records, total, progress)

    async def delete(self, external_ids: Iterable[str]) -> int:
        """Delete documents with their texts and vectors; return how many there were.

        They are found no more when this returns. Their rows in the snapshot's files are
        overwritten by `compact` or by the next rebuild.
        """
        return await self._writing.delete(external_ids)

    async def compact(self, progress: Progress) -> bool:
        """Build the snapshots anew without what was deleted, and give the space back.

        Returns whether nothing of what was deleted before is left in the store's files: while
        somebody reads an older state of store.db, old pages stay in its write-ahead log. Raises
        BuildStopped when the node closes meanwhile.
        """
        for version in self._standing.kept:
            await version.compact(progress)
        progress(0, None, "store.db")
        emptied = await asyncio.to_thread(self._around.store.vacuum)
        if not emptied:
            _log.warning("store.old_pages_remain", reason="another reader; compact again")
        return emptied

    async def settle(self, progress: Progress) -> None:
        """Wait until snapshots and scalars have caught up with what was ingested."""
        for version in self._standing.kept:
            await version.settle(progress)

    async def load(self) -> None:
        """Load the indexes now instead of at the first search, and start rebuilds that are due."""
        for version in self._standing.kept:
            await version.load()

    async def prepare_scores(self, progress: Progress) -> None:
        """Compute what scoring needs of every document, where it is missing."""
        for version in self._standing.kept:
            await version.prepare_scores(progress)

    async def index_state(self) -> IndexState:
        """Return the figures of the serving version's index."""
        return await self.serving.index_state()

    async def close(self) -> None:
        """Wait for work in the background that was told to stop."""
        for job in self._backfills.values():
            await job.stop()
        for version in self._standing.kept:
            await version.close()

    async def drop(self) -> None:
        """Delete documents, vectors and index files; use `Collections.drop`."""
        for job in self._backfills.values():
            await job.stop()
        async with self._writing.turn:
            await asyncio.to_thread(self._delete_rows)
            for version in self._standing.kept:
                await version.remove_files()

    def _find_matching(self, conditions: Mapping[str, Condition]) -> npt.NDArray[np.int64]:
        with self._around.store.read() as db:
            return np.array(document_rows.matching(db, self._row.key, conditions), dtype=np.int64)

    def _delete_rows(self) -> None:
        with self._around.store.write() as db:
            collection_rows.delete(db, self._row.key)

    def _left_some(self, version: Version) -> None:
        """Documents were written that wait for their vectors in a version."""
        if version.encoder.takes_text:
            self.backfill(version).start()

    def _after_change(self) -> None:
        self._counted, self._matching = {}, {}
        for version in self._standing.kept:
            version.changed()
