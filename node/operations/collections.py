"""Operations on collections: create, ingest, list, info, delete, compact, drop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field

from node.operations.caller import caller
from node.operations.registry import NoRequest, Progress, operation
from protocol.limits import MAX_DESCRIPTION_CHARS

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.ingest.record import Record
    from node.node import Node
    from protocol.envelope import Dtype


class CreateCollection(BaseModel, extra="forbid"):
    """A new collection in the space of an encoder; title and description are shown to partners."""

    name: str
    encoder: str
    title: Annotated[str, Field(max_length=256)] = ""
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION_CHARS)] = ""
    language: Annotated[str, Field(pattern=r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$")] = ""


class CollectionName(BaseModel, extra="forbid"):
    """Names one collection."""

    collection: str


class CollectionInfo(BaseModel):
    """A collection with its active version. `created_at` is epoch seconds UTC."""

    name: str
    title: str
    description: str
    language: str
    encoder: str
    version: str
    space: str
    dimension: int
    documents: int
    created_at: int


class CollectionList(BaseModel):
    """All collections, by name."""

    collections: tuple[CollectionInfo, ...]


class CollectionDetails(CollectionInfo):
    """A collection with the figures of its labels and its index.

    `rows` in the index's snapshot, `dead_rows` of these deleted and not yet compacted,
    `delta_rows` ingested since the snapshot was built.
    """

    labels: dict[str, int]
    rows: int
    dead_rows: int
    delta_rows: int


class Ingest(BaseModel, extra="forbid"):
    """A file to bring in, read by the node itself.

    `jsonl`: one document a line. `npy`: an (n, d) array with `ids`, a text file of n ids; `labels`
    then go to every document. `vectors_of`: the encoder that made the vectors in the file.
    """

    collection: str
    file: Path
    format: Literal["jsonl", "npy"] = "jsonl"
    ids: Path | None = None
    labels: tuple[str, ...] = ()
    vectors_of: str | None = None


class Ingested(BaseModel):
    """What happened to the documents of a file; `chunks` counts the vectors written."""

    collection: str
    added: int
    updated: int
    unchanged: int
    chunks: int
    documents: int


class DeleteDocuments(BaseModel, extra="forbid"):
    """The ids of documents to delete, as they were ingested."""

    collection: str
    ids: Annotated[tuple[str, ...], Field(min_length=1)]


class Deleted(BaseModel):
    """How many documents were deleted, and how many of the ids were not there."""

    collection: str
    deleted: int
    missing: int


class Compacted(BaseModel):
    """What compaction removed and left; `removed_rows` were deleted documents' vectors.

    `erased`: nothing of documents that were deleted before is left in store.db, its write-ahead
    log or the index's files; else `waits` says what keeps old pages there.
    """

    collection: str
    removed_rows: int
    rows: int
    erased: bool
    waits: str | None


class Dropped(CollectionInfo):
    """The collection as it was; `erased` and `waits` as in `Compacted`."""

    erased: bool
    waits: str | None


@operation("collection.create")
async def create(node: Node, request: CreateCollection, progress: Progress) -> CollectionInfo:
    """Create an empty collection in the space of an encoder."""
    del progress
    collection = await node.collections.create(
        request.name,
        request.encoder,
        title=request.title,
        description=request.description,
        language=request.language,
    )
    await note_change(node, "created", shown(collection))
    return shown(collection)


@operation("collection.ingest")
async def ingest(node: Node, request: Ingest, progress: Progress) -> Ingested:
    """Bring documents in from a file, batch by batch, and index them."""
    import asyncio

    from node.ingest.repeats import without_contradictions

    collection = node.collections.get(request.collection)
    total, records = await asyncio.to_thread(_source, request, collection.envelope.dtype)
    if request.vectors_of is not None:
        space = node.encoders.get(request.vectors_of).envelope.space_id
        records = (replace(record, space=space) for record in records)
    stored = 0

    def watched(done: int, of: int | None, what: str) -> None:
        nonlocal stored
        stored = done
        progress(done, of, what)

    try:
        counts = await collection.ingest(without_contradictions(records), total, watched)
    except Exception as error:
        if stored:
            await note_change(node, "ingested", shown(collection))
        raise stopped(error, stored) from error
    if counts.added or counts.updated:
        await note_change(node, "ingested", shown(collection))
    await collection.settle(progress)
    return Ingested(
        collection=collection.name,
        added=counts.added,
        updated=counts.updated,
        unchanged=counts.unchanged,
        chunks=counts.chunks,
        documents=collection.documents,
    )


@operation("collection.list")
async def list_collections(node: Node, request: NoRequest, progress: Progress) -> CollectionList:
    """List the collections."""
    del request, progress
    return CollectionList(collections=tuple(map(shown, node.collections.all())))


@operation("collection.info")
async def info(node: Node, request: CollectionName, progress: Progress) -> CollectionDetails:
    """Show a collection with its labels and the state of its index."""
    del progress
    collection = node.collections.get(request.collection)
    state = await collection.index_state()
    return CollectionDetails(
        **shown(collection).model_dump(),
        labels=collection.labels(),
        rows=state.snapshot,
        dead_rows=state.dead,
        delta_rows=state.delta,
    )


@operation("collection.delete")
async def delete(node: Node, request: DeleteDocuments, progress: Progress) -> Deleted:
    """Delete documents with their texts and vectors."""
    del progress
    collection = node.collections.get(request.collection)
    ids = set(request.ids)
    deleted = await collection.delete(ids)
    if deleted:
        await note_change(node, "documents-deleted", shown(collection))
    return Deleted(collection=collection.name, deleted=deleted, missing=len(ids) - deleted)


@operation("collection.compact")
async def compact(node: Node, request: CollectionName, progress: Progress) -> Compacted:
    """Rebuild the index without deleted documents and give the space back."""
    collection = node.collections.get(request.collection)
    before = await collection.index_state()
    waits = _what_is_left(node, await collection.compact(progress))
    after = await collection.index_state()
    await note_change(node, "compacted", shown(collection))
    return Compacted(
        collection=collection.name,
        removed_rows=before.dead,
        rows=after.snapshot + after.delta,
        erased=waits is None,
        waits=waits,
    )


@operation("collection.drop")
async def drop(node: Node, request: CollectionName, progress: Progress) -> Dropped:
    """Delete a collection with everything in it."""
    import asyncio

    del progress
    gone = shown(node.collections.get(request.collection))
    await node.collections.drop(request.collection)
    await note_change(node, "dropped", gone)
    waits = _what_is_left(node, await asyncio.to_thread(node.store.empty_log))
    return Dropped(**gone.model_dump(), erased=waits is None, waits=waits)


def _what_is_left(node: Node, emptied: bool) -> str | None:
    """Say what keeps old pages of store.db, None where nothing does."""
    from node.backup.gather import backup_under_way

    if not emptied:
        return "another reader has store.db open, so old pages stay in its write-ahead log"
    if backup_under_way(node.data.path):
        return "a backup is being written from a copy of store.db"
    return None


async def note_change(node: Node, event: str, info: CollectionInfo) -> None:
    """Leave a `collection` leaf: what partners can be answered from has changed."""
    from node.audit.entry import Entry
    from protocol.event_leaves import CollectionChanged

    leaf = CollectionChanged(
        at=node.clock(),
        by=caller(),
        collection=info.name,
        event=event,
        version=info.version,
        space=info.space,
        documents=info.documents,
    )
    await node.log.append(Entry(leaf))


def stopped(error: Exception, stored: int) -> Exception:
    """The error of an ingestion that stopped: batches before the fault stay, which is said."""
    if not stored:
        return error
    from node.operations.errors import PartlyDone, translate

    found = translate(error)
    return PartlyDone(
        f"{found.cause} The {stored} documents before it are stored.",
        fix=f"{found.fix} When it is repeated, what is stored already is passed over.",
        code=found.code,
    )


def _source(request: Ingest, dtype: Dtype) -> tuple[int | None, Iterator[Record]]:
    """Return how many documents the file holds, as far as known, and the reader of them."""
    from node.ingest import jsonl, npy
    from node.operations.errors import InvalidRequest

    if request.format == "npy":
        if request.ids is None:
            raise InvalidRequest(
                "An array of vectors needs the ids of its rows.", fix="Add --ids FILE."
            )
        labels = frozenset(request.labels)
        rows = npy.read(request.file, request.ids, labels, dtype)
        return npy.count(request.file, dtype), rows
    if request.ids is not None or request.labels:
        raise InvalidRequest(
            "A JSONL file has ids and labels in its lines.", fix="Leave out --ids and --label."
        )
    return jsonl.count(request.file), jsonl.read(request.file)


def shown(collection: Collection) -> CollectionInfo:
    """Return what is shown of a collection."""
    return CollectionInfo(
        name=collection.name,
        title=collection.title,
        description=collection.description,
        language=collection.language,
        encoder=collection.encoder.name,
        version=collection.version,
        space=collection.space_id,
        dimension=collection.envelope.dimension,
        documents=collection.documents,
        created_at=collection.created_at,
    )
