"""One version of a collection: its documents by their vectors in one space, and how they are found.

The rule of this file: a version never changes its space, its encoder or its name. Whoever holds a
version while another takes its place goes on with this one, by the same model, to the end.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.collections.far_share import FarShare
from node.collections.index_keeper import IndexKeeper, Progress, Surroundings
from node.collections.scalars import ScalarKeeper
from node.encoders.encoder import Encoder
from node.index.among import EVERYTHING, Among
from node.index.candidate import Candidates
from node.index.collection_index import CollectionIndex
from node.index.located import Located
from node.index.snapshot import remove_files_of
from node.store import version_rows
from node.store.version_rows import Coverage, VersionRow
from protocol.envelope import Envelope

if TYPE_CHECKING:
    from adapters.corrected import Scalars, Yardstick


@dataclass(frozen=True, slots=True)
class IndexState:
    """Figures of an index: rows in the snapshot, of these dead, rows beside it."""

    snapshot: int
    dead: int
    delta: int


class Version:
    """One index of a collection's documents, in one space.

    `last_coverage` is what `coverage` counted last, None before; counting a large one takes time.
    """

    def __init__(self, row: VersionRow, around: Surroundings) -> None:
        """Nothing is loaded yet."""
        self.key = row.key
        self.row = row
        self.far = FarShare()
        self.last_coverage: Coverage | None = None
        self._around = around
        self._keeper = IndexKeeper(row, around)
        self._scalars = ScalarKeeper(row, around)

    @property
    def name(self) -> str:
        """Its name, such as `v3`; never used again for anything else."""
        return self.row.version

    @property
    def envelope(self) -> Envelope:
        """The envelope of its vectors."""
        return self.row.envelope

    @property
    def space_id(self) -> str:
        """The id of its space."""
        return self.row.space_id

    @property
    def finds_cosines(self) -> bool:
        """Whether a search scores what it finds by cosines."""
        return self.envelope.similarity == "cosine"

    @property
    def encoder_name(self) -> str:
        """The name of the encoder that makes its vectors."""
        return self.row.encoder

    @property
    def encoder(self) -> Encoder:
        """The encoder of its documents and of the questions for it."""
        return self._around.encoders.get(self.row.encoder)

    def coverage(self) -> Coverage:
        """How many of the collection's documents have vectors here."""
        with self._around.store.read() as db:
            self.last_coverage = version_rows.coverage(db, self.row.collection, self.key)
        return self.last_coverage

    async def search(
        self,
        asked: Located,
        k: int,
        visible: frozenset[str] | None,
        among: Among = EVERYTHING,
    ) -> list[Candidates]:
        """Find for each of n vectors the k nearest documents, best chunk each, best first.

        `visible` admits documents that carry at least one of the labels; None admits all and is for
        the owner, or a grant without labels; `among` narrows it to documents by their internal
        keys. Fewer than k only where fewer may be found. Raises ForeignSpace.
        """
        return await self._keeper.search(asked.require(self.space_id), k, visible, among)

    async def index(self) -> CollectionIndex:
        """Return its index, loaded; for whoever writes documents."""
        return await self._keeper.index()

    def changed(self) -> None:
        """Catch up in the background with what was just written."""
        self._keeper.start_rebuild_if_due()
        self._scalars.start()

    async def keep_up(self) -> None:
        """Wait while far more came in than the index has taken in; for whoever brings more."""
        await self._keeper.keep_up()

    async def load(self) -> None:
        """Load the index now instead of at the first search, and start a rebuild that is due."""
        await self._keeper.index()
        self.changed()

    async def settle(self, progress: Progress) -> None:
        """Wait until snapshot and scalars have caught up with what was written."""
        await self._keeper.settle(progress)
        await self._scalars.settle(progress)

    async def compact(self, progress: Progress) -> None:
        """Build the snapshot anew without what was deleted. Raises BuildStopped on closing."""
        await self._keeper.build(progress, anew=True)

    async def prepare_scores(self, progress: Progress) -> None:
        """Compute what scoring needs of every document, where it is missing."""
        await self._scalars.settle(progress)

    def prepared(self, yardstick: "Yardstick") -> bool:
        """Whether what scoring needs by this yardstick is at hand, but for what is quite new."""
        return self._scalars.prepared(yardstick)

    def scalars(self, yardstick: "Yardstick", found: Candidates) -> "Scalars":
        """Return what scoring needs of candidates, as kept, or computed now where it is not yet."""
        return self._scalars.of(yardstick, found.chunks, found.vectors)

    async def index_state(self) -> IndexState:
        """Return the index's figures."""
        view = (await self._keeper.index()).view
        return IndexState(len(view.base), int(view.dead.sum()), view.delta_size)

    async def close(self) -> None:
        """Wait for work in the background that was told to stop."""
        await self._keeper.background_done()
        await self._scalars.done()

    async def remove_files(self) -> None:
        """Remove the files of an index whose rows are gone from store.db."""
        await self.close()
        await asyncio.to_thread(remove_files_of, self._around.directory, self.key)
