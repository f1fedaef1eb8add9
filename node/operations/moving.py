"""Operations that move a collection: export into a file, import from one or from a server.

The rule of this file: what leaves, and what is taken without proof, has its leaf before it is so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.caller import caller
from node.operations.encoders import note as note_encoder
from node.operations.registry import Progress, operation
from node.transfer.named_source import NamedSource
from protocol.envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node.collections.collection import Collection
    from node.encoders.encoder import Encoder
    from node.ingest.record import Record
    from node.ingest.write import Counts
    from node.node import Node
    from node.transfer.check import Checked
    from node.transfer.form import End, Head, Source


class ExportCollection(BaseModel, extra="forbid"):
    """A version to write into a new file, with texts and URIs or without; None: what serves."""

    collection: str
    out: Path
    version: str | None = None
    with_sources: bool = False


class ExportedCollection(BaseModel):
    """What was written. `left_out`: documents that have no vectors in the version.

    `digest` is that of the documents, `seal` that of head and documents, which the leaf names.
    """

    collection: str
    version: str
    files: tuple[str, ...]
    documents: int
    vectors: int
    left_out: int
    sources: bool
    digest: str
    seal: str
    space: str


class ImportCollection(NamedSource, extra="forbid"):
    """Where a collection comes from, and into which one it goes; see docs/collection-files.md.

    `encoder`: of this node, whose space the vectors are in; `add_encoder`: a new one of kind
    caller, of the file's envelope. `force`: although nothing shows whose vectors they are.
    """

    collection: str
    encoder: str | None = None
    add_encoder: str | None = None
    dry_run: bool = False
    force: bool = False


class ImportedCollection(BaseModel):
    """What was read, and what became of it: nothing, where `dry_run`.

    `probed` pieces of text were encoded again and gave the same vectors; `enveloped`: the source
    itself says what its vectors are.
    """

    collection: str
    encoder: str
    space: str
    envelope: Envelope
    enveloped: bool
    documents: int
    vectors: int
    with_text: int
    probed: int
    digest: str
    seal: str
    dry_run: bool
    added: int = 0
    updated: int = 0
    unchanged: int = 0


@operation("collection.export")
async def export(node: Node, request: ExportCollection, progress: Progress) -> ExportedCollection:
    """Write one version of a collection into a file, with its envelope."""
    import asyncio

    from node.transfer.export import write

    collection = node.collections.get(request.collection)
    version = (
        collection.serving if request.version is None else collection.version_named(request.version)
    )
    head = _head(node, collection, request, version.name, version.envelope)
    gone = False

    def told(done: int, total: int | None, what: str) -> None:
        if gone:
            raise InterruptedError("nobody waits for it any more")
        progress(done, total, what)

    try:
        written = await asyncio.to_thread(write, node.store, version.key, head, request.out, told)
    except asyncio.CancelledError:
        gone = True
        raise
    try:
        kind = "collection-export-with-sources" if request.with_sources else "collection-export"
        await _note(node, kind, f"{collection.name} {version.name}", written.end)
        await asyncio.to_thread(written.finish)
    except BaseException:
        written.give_up()
        raise
    return ExportedCollection(
        collection=collection.name,
        version=version.name,
        files=tuple(str(path) for path in written.paths),
        left_out=version.coverage().missing,
        sources=request.with_sources,
        space=version.space_id,
        seal=written.end.seal,
        **written.end.model_dump(exclude={"head"}),
    )


@operation("collection.import")
async def import_(node: Node, request: ImportCollection, progress: Progress) -> ImportedCollection:
    """Bring a collection in from a file with its envelope, from pgvector or from Chroma."""
    import asyncio

    from node.transfer.opening import open_source

    source = await asyncio.to_thread(open_source, request)
    try:
        return await _imported(node, request, source, progress)
    finally:
        await asyncio.to_thread(source.close)


async def _imported(
    node: Node, request: ImportCollection, source: Source, progress: Progress
) -> ImportedCollection:
    from node.transfer.check import Watched, checked_source, prove
    from node.transfer.records import records

    encoder = _encoder(node, request, source)
    envelope = source.head.envelope if source.head is not None else _of(encoder)
    _require_place(node, request.collection, envelope)
    found = await checked_source(source, envelope, progress)
    probed = 0 if encoder is None else await prove(found.pieces, encoder)
    _require_proof(request, source, probed)
    result = _told(request, encoder, envelope, source, found, probed)
    if request.dry_run:
        return result
    if encoder is None:
        encoder = await _added(node, request, envelope)
    if not probed and source.head is None:
        await _note(node, "collection-import-unproved", request.collection, found.end)
    collection = await _collection(node, request.collection, encoder, source.head)
    await _note(node, "collection-import", f"{collection.name} {collection.version}", found.end)
    rows = records(Watched(source, found.end), envelope.space_id)
    counts = await _written(node, collection, rows, found.end.documents, progress)
    await collection.settle(progress)
    return result.model_copy(
        update={"added": counts.added, "updated": counts.updated, "unchanged": counts.unchanged}
    )


async def _written(
    node: Node, collection: Collection, rows: Iterator[Record], total: int, progress: Progress
) -> Counts:
    """Write the documents; where it stops, say how many are stored. Raises PartlyDone."""
    from node.operations.collections import note_change, shown, stopped

    stored = 0

    def watched(done: int, of: int | None, what: str) -> None:
        nonlocal stored
        stored = done
        progress(done, of, what)

    try:
        counts = await collection.ingest(rows, total, watched)
    except Exception as error:
        raise stopped(error, stored) from error
    if counts.added or counts.updated:
        await note_change(node, "ingested", shown(collection))
    return counts


def _encoder(node: Node, request: ImportCollection, source: Source) -> Encoder | None:
    """The encoder of this node in the source's space; None where one is to be added."""
    from node.operations.errors import InvalidRequest
    from protocol.verdict import compare

    head = source.head
    if request.add_encoder is not None:
        if head is None or request.encoder is not None:
            raise InvalidRequest(
                "An encoder is made of the envelope in a file, and instead of --encoder.",
                fix="Give --encoder alone, or --add-encoder with a file that was exported.",
            )
        return _added_before(node, request.add_encoder, head.space)
    if request.encoder is not None:
        encoder = node.encoders.get(request.encoder)
        if head is not None and encoder.envelope.space_id != head.space:
            reasons = "; ".join(compare(head.envelope, encoder.envelope).reasons)
            raise InvalidRequest(
                f"The vectors are of another space than encoder {encoder.name}: {reasons}.",
                fix="Leave out --encoder to use the one of that space, or --add-encoder NAME.",
            )
        return encoder
    if head is None:
        raise InvalidRequest(
            "This source keeps no envelope, so nothing says what its vectors mean.",
            fix="Name the encoder that made them: --encoder NAME.",
        )
    there = [one for one in node.encoders.all() if one.envelope.space_id == head.space]
    if not there:
        raise InvalidRequest(
            f"No encoder of this node is in the space of {head.envelope.provider}/"
            f"{head.envelope.model} {head.envelope.revision} ({head.space}).",
            fix="Add the model with `interlingua encoder add` (--dry-run --json with --add-encoder "
            "shows the envelope), or keep the vectors without it: --add-encoder NAME.",
        )
    return sorted(there, key=lambda one: not one.takes_text)[0]


def _added_before(node: Node, name: str, space: str) -> Encoder | None:
    """The encoder of that name which an import that was cut off has added; None: there is none."""
    from node.encoders.add import require_name
    from node.operations.errors import Conflict

    require_name(name)
    if name not in node.encoders.names():
        return None
    encoder = node.encoders.get(name)
    if encoder.takes_text or encoder.envelope.space_id != space:
        raise Conflict(
            f"Encoder {name} is there, and is not one of kind caller in the file's space.",
            fix="Choose another name for --add-encoder; `interlingua encoder list` shows those "
            "there are.",
        )
    return encoder


def _of(encoder: Encoder | None) -> Envelope:
    """The envelope by which vectors without one of their own are judged."""
    if encoder is None:
        raise TypeError("a source without an envelope has an encoder")
    return encoder.envelope


def _require_place(node: Node, name: str, envelope: Envelope) -> None:
    """Refuse a collection that is there in another space, and a name that none can have."""
    from node.collections.registry import require_name
    from node.operations.errors import Conflict

    require_name(name)
    for one in node.collections.all():
        if one.name == name and one.space_id != envelope.space_id:
            raise Conflict(
                f"Collection {name} is there, in another space.",
                fix="Import under a new name; `interlingua collection migrate` changes models.",
            )


def _require_proof(request: ImportCollection, source: Source, probed: int) -> None:
    from node.operations.errors import Conflict

    if source.head is None and not probed and not request.force:
        raise Conflict(
            "Nothing shows that these vectors are of that encoder: the source keeps no envelope, "
            "and no text came along that a model here could encode again.",
            fix="Name the column of the texts (--text-column), or take them on your word: --force, "
            "which is logged.",
            code="vectors-unproved",
        )


async def _added(node: Node, request: ImportCollection, envelope: Envelope) -> Encoder:
    """A new encoder of kind caller, with the envelope that came along."""
    import asyncio

    name = request.add_encoder or ""
    await note_encoder(node, "encoder-add", name, envelope.space_id)
    return await asyncio.to_thread(node.encoders.add, name, "caller", {}, envelope)


async def _collection(node: Node, name: str, encoder: Encoder, head: Head | None) -> Collection:
    """The collection, created where it is not there yet."""
    if name in {one.name for one in node.collections.all()}:
        return node.collections.get(name)
    from node.operations.collections import note_change, shown

    said = {} if head is None else head.model_dump(include={"title", "description", "language"})
    made = await node.collections.create(name, encoder.name, **said)
    await note_change(node, "created", shown(made))
    return made


async def _note(node: Node, kind: str, what: str, end: End) -> None:
    """Leave an `admin` leaf with one digest of the whole content, its head too."""
    from node.audit.entry import Entry
    from protocol.event_leaves import AdminActed

    subject = f"{what}: {end.documents} documents"
    leaf = AdminActed(
        at=node.clock(), by=caller(), operation=kind, subject=subject, detail=end.seal
    )
    await node.log.append(Entry(leaf))


def _head(
    node: Node, collection: Collection, request: ExportCollection, version: str, envelope: Envelope
) -> Head:
    from node.transfer.form import Head

    return Head(
        name=collection.name,
        title=collection.title,
        description=collection.description,
        language=collection.language,
        version=version,
        space=envelope.space_id,
        envelope=envelope,
        sources=request.with_sources,
        exported_at=node.clock(),
    )


def _told(
    request: ImportCollection, encoder: Encoder | None, envelope: Envelope, source: Source,
    found: Checked, probed: int,
) -> ImportedCollection:  # fmt: skip
    return ImportedCollection(
        collection=request.collection,
        encoder=request.add_encoder or "" if encoder is None else encoder.name,
        space=envelope.space_id,
        envelope=envelope,
        enveloped=source.head is not None,
        with_text=found.with_text,
        probed=probed,
        dry_run=request.dry_run,
        seal=found.end.seal,
        **found.end.model_dump(exclude={"head"}),
    )
