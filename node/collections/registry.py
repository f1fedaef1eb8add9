"""All collections of a node: found by name, created, dropped, opened and closed together."""

import asyncio
import re
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from node.clock import Clock
from node.collections.bridge import opened
from node.collections.collection import Collection
from node.collections.course import Course
from node.collections.errors import BadCollectionName, CollectionExists, UnknownCollection
from node.collections.index_keeper import MostAsked, Progress, Surroundings
from node.collections.scalars import YardsticksOf
from node.collections.standing import Standing
from node.collections.switching import purge
from node.collections.version import Version
from node.encoders.live import DOCUMENTS_S
from node.encoders.registry import Encoders
from node.index.settings import IndexSettings
from node.index.snapshot import remove_files_of
from node.ingest.sources import NOTHING, SourceRules, Sources
from node.store import (
    bridge_rows,
    collection_rows,
    course_rows,
    scalar_rows,
    switch_rows,
    version_rows,
)
from node.store.bridge_rows import BridgeRow
from node.store.collection_rows import CollectionRow
from node.store.course_rows import CourseRow
from node.store.schema import MIGRATIONS
from node.store.store import Store
from node.store.version_rows import VersionRow

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class _Past:
    """What became of all collections: versions served before, courses, and bridges."""

    formers: Mapping[int, int]
    courses: Mapping[int, CourseRow]
    bridges: Sequence[BridgeRow]


def require_name(name: str) -> None:
    """Raise BadCollectionName unless a collection can have this name."""
    if not _NAME.fullmatch(name):
        raise BadCollectionName(
            f"{name!r} cannot name a collection",
            fix="Use 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit.",
        )


class Collections:
    """The node's collections. Indexes are loaded when first needed, or all by `load`."""

    def __init__(
        self,
        store: Store,
        directory: Path,
        encoders: Encoders,
        settings: IndexSettings,
        clock: Clock,
        yardsticks: YardsticksOf = lambda _space: (),
        most_asked: MostAsked = lambda _collection: (),
        rules: SourceRules = NOTHING,
    ) -> None:
        """Read the collections' rows. `directory` holds the indexes; it is made if missing.

        `yardsticks` gives those by which documents in a space are scored, by its id; `most_asked`
        the keys of a collection's documents that are encoded first, by its name; `rules` say which
        texts may be read by URI.
        """
        store.migrate("data", MIGRATIONS)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._searching = ThreadPoolExecutor(settings.search_threads, "search")
        self._building = ThreadPoolExecutor(1, "build")
        self._around = Surroundings(
            store,
            directory,
            encoders,
            settings,
            clock,
            self._searching,
            self._building,
            Event(),
            yardsticks,
            most_asked,
            Sources(rules),
        )
        with store.read() as db:
            rows = collection_rows.all_rows(db)
            versions = version_rows.all_rows(db)
            past = _Past(
                switch_rows.formers(db),
                {row.collection: row for row in course_rows.all_rows(db)},
                bridge_rows.all_rows(db),
            )
        self._by_name = {
            row.name: Collection(row, self._standing(row.key, versions, past), self._around)
            for row in rows
        }

    def get(self, name: str) -> Collection:
        """Return the collection of that name. Raises UnknownCollection."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownCollection(
                f"there is no collection {name!r}",
                fix=(
                    "`interlingua collection list` shows those there are; `interlingua "
                    "collection create` makes one."
                ),
            ) from None

    def all(self) -> list[Collection]:
        """Return every collection, by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    async def create(
        self,
        name: str,
        encoder: str,
        *,
        title: str = "",
        description: str = "",
        language: str = "",
    ) -> Collection:
        """Create an empty collection in the space of an encoder.

        Raises BadCollectionName, CollectionExists, UnknownEncoder; EncoderChanged or EncoderFailed
        where the encoder's model is not that of its space, or cannot be asked.
        """
        require_name(name)
        of_space = self._around.encoders.get(encoder)
        await of_space.live.require(DOCUMENTS_S)
        envelope = of_space.envelope

        def insert() -> tuple[CollectionRow, VersionRow]:
            at = self._around.clock()
            with self._around.store.write() as db:
                row = collection_rows.insert(
                    db, name=name, title=title or name, description=description,
                    language=language, at=at,
                )  # fmt: skip
                return row, version_rows.insert(db, row.key, encoder, envelope, "serving", at)

        try:
            row, first = await asyncio.to_thread(insert)  # a writer may have to wait for another
        except sqlite3.IntegrityError:
            raise CollectionExists(
                f"collection {name!r} exists",
                fix="Ingest into it, or choose another name.",
            ) from None
        standing = Standing(Version(first, self._around))
        self._by_name[name] = Collection(row, standing, self._around)
        return self._by_name[name]

    async def drop(self, name: str) -> None:
        """Delete a collection with its documents, vectors and index. Raises UnknownCollection."""
        collection = self.get(name)
        del self._by_name[name]
        await collection.drop()

    async def load(self) -> None:
        """Load every index and start what is due in the background; for a node that serves."""
        await self.finish_retiring()
        for collection in self.all():
            await collection.load()
            collection.start_backfills()

    async def finish_retiring(self) -> None:
        """Delete what a crash left of retired versions: vectors, and files of their indexes."""
        store = self._around.store
        with store.read() as db:
            rows = version_rows.all_rows(db)
            purgeable = version_rows.purgeable(db)
        for version in purgeable:
            await asyncio.to_thread(purge, store, version)
        for row in rows:
            if row.state == "retired":
                remove_files_of(self._around.directory, row.key)

    async def prepare_scores(self, progress: Progress) -> None:
        """Compute what scoring needs after shared spaces were joined or left; drop what is past."""
        for collection in self.all():
            await collection.prepare_scores(progress)
        current = {
            each.digest
            for collection in self.all()
            for version in collection.standing.kept
            for each in self._around.yardsticks(version.space_id)
        }
        await asyncio.to_thread(self._keep_yardsticks, current)

    async def close(self) -> None:
        """Stop rebuilds and wait for the threads; the store is closed by who opened it."""
        self._around.stop.set()
        for collection in self.all():
            await collection.close()
        self._building.shutdown(wait=True)
        self._searching.shutdown(wait=True)

    def _standing(self, collection: int, rows: Sequence[VersionRow], past: "_Past") -> Standing:
        """The standing of a collection as store.db has it."""
        kept = {
            row.key: (row, Version(row, self._around))
            for row in rows
            if row.collection == collection and row.state != "retired"
        }
        (serving,) = (version for row, version in kept.values() if row.state == "serving")
        _, former = kept.get(past.formers.get(collection, 0), (None, None))
        aside = (each for _, each in kept.values() if each is not serving and each is not former)
        row, course = past.courses.get(collection), None
        if row is not None and row.version in kept:
            source = self._around.encoders.get(row.encoder).envelope.space_id
            course = Course(row, kept[row.version][1], source)
        bridges = opened([each for each in past.bridges if each.collection == collection])
        return Standing(serving, former, tuple(aside), course, bridges)

    def _keep_yardsticks(self, digests: set[str]) -> None:
        with self._around.store.write() as db:
            scalar_rows.keep_yardsticks(db, digests)
