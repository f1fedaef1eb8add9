"""One collection: its documents, and its index with the life of the snapshot behind it.

Everything that changes documents goes through here, one batch at a time; searches never wait for
it. A snapshot that is due is built in the background and swapped in when it is ready.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from sqlite3 import Connection
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import structlog

from node.collections.index_keeper import IndexKeeper, Progress, Surroundings
from node.collections.scalars import ScalarKeeper
from node.encoders.encoder import Encoder
from node.index.among import EVERYTHING, Among
from node.index.candidate import Candidate
from node.index.view import Change
from node.ingest.plan import Step, batches, plan
from node.ingest.prepare import prepare
from node.ingest.record import Record
from node.ingest.write import Counts, write
from node.store import chunk_rows, collection_rows, document_rows
from node.store.collection_rows import CollectionRow
from node.store.document_rows import DocumentRow
from protocol.envelope import Envelope
from protocol.metadata_filter import Condition

if TYPE_CHECKING:
    from adapters.corrected import Scalars, Yardstick

_FILTERS_KEPT = 64  # filters of which the documents are remembered until something changes

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IndexState:
    """Figures of an index: rows in the snapshot, of these dead, rows beside it."""

    snapshot: int
    dead: int
    delta: int


class Collection:
    """A named set of documents, searched in the space of its active version."""

    def __init__(
        self, row: CollectionRow, around: Surroundings, changed: Callable[[str], None]
    ) -> None:
        """`changed` is called with the name, in the event loop, after every committed change."""
        self._row = row
        self._around = around
        self._changed = changed
        self._keeper = IndexKeeper(row, around)
        self._scalars = ScalarKeeper(row, around)
        self._writing = asyncio.Lock()
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
    def encoder(self) -> Encoder:
        """The encoder of the active version."""
        return self._around.encoders.get(self._row.encoder)

    @property
    def envelope(self) -> Envelope:
        """The envelope of the active version's vectors."""
        return self._row.envelope

    @property
    def space_id(self) -> str:
        """The id of the active version's space."""
        return self._row.envelope.space_id

    @property
    def version(self) -> str:
        """The active version, such as `v3`; never used again for anything else."""
        return self._row.version

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
        keys = await self._keeper.in_search_thread(self._find_matching, conditions)
        if len(matching) < _FILTERS_KEPT:
            matching[wanted] = keys  # of no use to anybody where a change replaced it meanwhile
        return keys

    async def search(
        self,
        queries: npt.NDArray[np.float32],
        k: int,
        visible: frozenset[str] | None,
        among: Among = EVERYTHING,
    ) -> list[list[Candidate]]:
        """Find for each query (n, d) the k nearest documents, best chunk each, best first.

        `queries` is in this collection's space (map it before), finite and not zero. `visible`
        admits documents that carry at least one of the labels; None admits all and is for the
        owner, or a grant without labels; `among` narrows it to documents by their internal keys.
        Fewer than k only where fewer may be found.
        """
        return await self._keeper.in_search_thread(
            self._keeper.use, lambda index: index.search(queries, k, visible, among)
        )

    def external_id(self, key: int) -> str | None:
        """Return the id that a document was ingested with, None when it is gone."""
        row = self.describe(key)
        return None if row is None else row.external_id

    def describe(self, key: int) -> DocumentRow | None:
        """Return the document of an internal key, None when it is gone. For the owner only."""
        with self._around.store.read() as db:
            return document_rows.find_by_key(db, self._row.key, key)

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
        counts = Counts()
        done = 0
        source = batches(records)
        while batch := await asyncio.to_thread(next, source, None):
            counts += await self._ingest_batch(batch)
            done += len(batch)
            progress(done, total, "documents")
        return counts

    async def delete(self, external_ids: Iterable[str]) -> int:
        """Delete documents with their texts and vectors; return how many there were.

        They are found no more when this returns. Their rows in the snapshot's files are
        overwritten by `compact` or by the next rebuild.
        """
        wanted = list(external_ids)
        async with self._writing:
            index = await self._keeper.index()
            count = await asyncio.to_thread(index.change, partial(self._delete, wanted))
        self._after_change()
        return count

    async def compact(self, progress: Progress) -> None:
        """Build the snapshot anew without what was deleted, and give the space back.

        Raises BuildStopped when the node closes meanwhile.
        """
        await self._keeper.build(progress, anew=True)
        progress(0, None, "store.db")
        if not await asyncio.to_thread(self._around.store.vacuum):
            _log.warning("store.old_pages_remain", reason="another rebuild reads; compact again")

    async def settle(self, progress: Progress) -> None:
        """Wait until snapshot and scalars have caught up with what was ingested."""
        await self._keeper.settle(progress)
        await self._scalars.settle(progress)

    async def load(self) -> None:
        """Load the index now instead of at the first search, and start a rebuild that is due."""
        await self._keeper.index()
        self._keeper.start_rebuild_if_due()
        self._scalars.start()

    async def prepare_scores(self, progress: Progress) -> None:
        """Compute what scoring needs of every document, where it is missing."""
        await self._scalars.settle(progress)

    def prepared(self, yardstick: "Yardstick") -> bool:
        """Whether what scoring needs by this yardstick is at hand, but for what is quite new."""
        return self._scalars.prepared(yardstick)

    def scalars(self, yardstick: "Yardstick", found: Sequence[Candidate]) -> "Scalars":
        """Return what scoring needs of candidates, as kept, or computed now where it is not yet."""
        chunks = np.array([each.chunk for each in found], dtype=np.int64)
        return self._scalars.of(yardstick, chunks, np.stack([each.vector for each in found]))

    async def index_state(self) -> IndexState:
        """Return the index's figures."""
        view = (await self._keeper.index()).view
        return IndexState(len(view.base), int(view.dead.sum()), view.delta_size)

    async def close(self) -> None:
        """Wait for work in the background that was told to stop."""
        await self._keeper.background_done()
        await self._scalars.done()

    async def drop(self) -> None:
        """Delete documents, vectors and index files; use `Collections.drop`."""
        async with self._writing:
            await self._keeper.background_done()
            await self._scalars.done()
            index = await self._keeper.index()
            await asyncio.to_thread(self._delete_rows)
            await asyncio.to_thread(index.remove_files)

    async def _ingest_batch(self, batch: list[Record]) -> Counts:
        async with self._writing:
            known = await asyncio.to_thread(self.find, [record.id for record in batch])
            planned = [plan(record, known.get(record.id)) for record in batch]
            if all(item.step is Step.NOTHING for item in planned):
                return Counts(unchanged=len(batch))
            ready = await prepare(planned, self.encoder, self._around.settings.max_pieces)
            index = await self._keeper.index()
            row, at = self._row, self._around.clock()

            def work(db: Connection, sequence: int) -> tuple[Change, Counts]:
                return write(db, row.key, row.version_key, ready, index.nearness, sequence, at)

            counts = await asyncio.to_thread(index.change, work)
        self._after_change()
        return counts

    def _delete(self, wanted: list[str], db: Connection, sequence: int) -> tuple[Change, int]:
        del sequence  # counted by the index; a document that is gone has no place for it
        found = document_rows.find_many(db, self._row.key, wanted)
        removed = [
            key
            for document in found.values()
            for key in chunk_rows.keys_of(db, self._row.version_key, document.key)
        ]
        document_rows.delete(db, (document.key for document in found.values()))
        return Change(np.array(removed, dtype=np.int64), None, {}), len(found)

    def _find_matching(self, conditions: Mapping[str, Condition]) -> npt.NDArray[np.int64]:
        with self._around.store.read() as db:
            return np.array(document_rows.matching(db, self._row.key, conditions), dtype=np.int64)

    def _delete_rows(self) -> None:
        with self._around.store.write() as db:
            collection_rows.delete(db, self._row.key)

    def _after_change(self) -> None:
        self._counted, self._matching = {}, {}
        self._keeper.start_rebuild_if_due()
        self._scalars.start()
        self._changed(self.name)
