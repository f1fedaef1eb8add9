"""Vectors of a new version that come from outside, where no model here could make them.

The rule of this file: only a version that answers nothing takes vectors so; each batch is one
transaction, in which the version must still be kept. A vector that is there already as it is counts
as unchanged, so that a run which was cut off is repeated.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from sqlite3 import Connection

import numpy as np

from node.collections.collection import Collection
from node.collections.errors import VersionNotFit
from node.collections.index_keeper import Progress
from node.collections.version import Version
from node.index.collection_index import CollectionIndex
from node.index.view import Change
from node.ingest.plan import Planned, Step, batches
from node.ingest.prepare import Prepared, prepare
from node.ingest.record import Record
from node.ingest.write import Rows
from node.store import chunk_rows, document_rows, version_rows

NAMED = 20
"""Unknown ids that are remembered."""


@dataclass
class Supplied:
    """How many documents got vectors, got others, or had them; and ids that nobody has here."""

    given: int = 0
    replaced: int = 0
    unchanged: int = 0
    unknown: int = 0
    first_unknown: list[str] = field(default_factory=list)


async def supply(
    collection: Collection, version: Version, records: Iterable[Record], progress: Progress
) -> Supplied:
    """Write the vectors of records into a version that is aside, batch by batch.

    Raises VersionNotFit, BadRecord at the first record without a usable vector; earlier batches
    stay.
    """
    told, done = Supplied(), 0
    source = batches(records)
    while batch := await asyncio.to_thread(next, source, None):
        _require_aside(collection, version)
        planned = [Planned(record, Step.NEW, None) for record in batch]
        ready = await prepare(planned, version.encoder, 0)
        index = await version.index()

        def work(
            db: Connection,
            sequence: int,
            index: CollectionIndex = index,
            ready: list[Prepared] = ready,
        ) -> tuple[Change, None]:
            del sequence  # no document changes, only what a version knows of it
            return _write(db, collection.key, version, index, ready, told), None

        await asyncio.to_thread(index.change, work)
        version.changed()
        done += len(batch)
        progress(done, None, "vectors taken")
    return told


def _require_aside(collection: Collection, version: Version) -> None:
    if version not in collection.standing.aside:
        raise VersionNotFit(
            f"version {version.name} of {collection.name} answers questions, or is kept no more",
            fix="Vectors of documents that it shows come by `interlingua collection ingest`.",
        )


def _write(
    db: Connection,
    collection: int,
    version: Version,
    index: CollectionIndex,
    ready: list[Prepared],
    told: Supplied,
) -> Change:
    rows = Rows()
    if not version_rows.is_kept(db, version.key):
        return rows.write(db, version.key, index.nearness)
    names = [item.planned.record.id for item in ready]
    found = document_rows.find_many(db, collection, names)
    for item in ready:
        name = item.planned.record.id
        document = found.get(name)
        if document is None:
            told.unknown += 1
            told.first_unknown += [name] if len(told.first_unknown) < NAMED else []
            continue
        former = bool(chunk_rows.keys_of(db, version.key, document.key))
        if former and _same(db, version, document.key, item):
            told.unchanged += 1
            continue
        rows.replaced += [document.key] if former else []
        label_set = document_rows.label_set(db, document.labels)
        rows.add((document.key, item.spans), item.vectors, label_set, document.labels)
        told.replaced += 1 if former else 0
        told.given += 0 if former else 1
    return rows.write(db, version.key, index.nearness)


def _same(db: Connection, version: Version, document: int, item: Prepared) -> bool:
    spans, vectors = chunk_rows.of_document(db, version.key, document, version.envelope.dimension)
    return spans == list(item.spans) and np.array_equal(vectors, item.vectors)
