"""Operations on anchor sets: import, publish, embed, export, list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from node.operations.registry import NoRequest, Progress, operation
from protocol.notation import CollectionName, LongText, Text

if TYPE_CHECKING:
    from node.node import Node
    from node.spaces.anchor_store import AnchorStore, NamedSet
    from node.spaces.embedding_file import AnchorEmbeddings


class ImportAnchors(BaseModel, extra="forbid"):
    """Public texts: JSONL with `document` and `query`, one text a line, or a BEIR directory.

    `limit`: only so many, those with real query views first. `manifest` is the signed description
    that came with them.
    """

    name: CollectionName
    file: Path
    limit: Annotated[int, Field(ge=1)] | None = None
    manifest: Path | None = None


class AnchorsInfo(BaseModel):
    """An anchor set.

    `derived` counts the query views that the source did not give, `views` all by their source:
    given, title, example, first-sentence, first-words. `author`, `source` and `licence` stand in
    its signed manifest, None where it has none. `encoders` are those that have embedded it.
    """

    name: str
    set_id: str
    anchors: int
    derived: int
    views: dict[str, int] = {}
    author: str | None = None
    source: str | None = None
    licence: str | None = None
    encoders: tuple[str, ...] = ()


class AnchorsList(BaseModel):
    """All anchor sets, by name."""

    sets: tuple[AnchorsInfo, ...]


class PublishAnchors(BaseModel, extra="forbid"):
    """Which anchor set to describe and sign; `out` is the directory for the two files."""

    anchors: str
    source: LongText
    licence: Text
    out: Path


class PublishedAnchors(BaseModel):
    """A set whose manifest was signed, and the two files for the other members."""

    anchors: AnchorsInfo
    texts: Path
    manifest: Path


class EmbedAnchors(BaseModel, extra="forbid"):
    """Which anchor set (name or id) to embed with which encoder.

    For an encoder whose vectors the caller computes, `vectors` names two .npy files, of the
    document and the query views, with the rows in the order that `anchors.texts` writes.
    """

    anchors: str
    encoder: str
    vectors: tuple[Path, Path] | None = None


class Embedded(BaseModel):
    """The embeddings of an anchor set: their file's digest, and of how many texts they are.

    `empty`: texts of which the model makes nothing; they are left out of fits. `file` is what was
    written for the other members.
    """

    anchors: str
    set_id: str
    encoder: str
    space: str
    dimension: int
    texts: int
    empty: int
    digest: str
    file: Path | None = None


class ExportAnchors(BaseModel, extra="forbid"):
    """Which embeddings to write where: a file, or a folder, where they get a name of their own."""

    anchors: str
    encoder: str
    out: Path


class AnchorTexts(BaseModel, extra="forbid"):
    """Which anchor set's texts to write where."""

    anchors: str
    out: Path


@operation("anchors.import")
async def import_anchors(node: Node, request: ImportAnchors, progress: Progress) -> AnchorsInfo:
    """Import public texts as an anchor set."""
    import asyncio

    from node.operations.space_files import ring_of
    from node.spaces.anchor_files import read_anchors
    from node.spaces.anchor_manifest import accept_anchors
    from node.spaces.handed_over import read_manifest_file

    progress(0, None, "reading texts")
    store = _store(node)
    anchors = await asyncio.to_thread(read_anchors, request.file, request.limit)
    raw = None if request.manifest is None else read_manifest_file(request.manifest)
    if raw is not None:
        accept_anchors(raw, anchors, ring_of(node), node.clock())
    named = await asyncio.to_thread(store.add, request.name, anchors, node.clock())
    if raw is not None:
        store.keep_manifest(named.set_id, raw)
    return _info(store, named)


@operation("anchors.publish")
async def publish_anchors(
    node: Node, request: PublishAnchors, progress: Progress
) -> PublishedAnchors:
    """Describe an anchor set, sign that, and write both for the other members."""
    import asyncio

    from node.durable_file import replace
    from node.operations.space_files import note
    from node.spaces.anchor_manifest import describe, sign_anchors
    from node.spaces.anchor_set import as_jsonl

    del progress
    store = _store(node)
    named = store.find(request.anchors)
    anchors = await asyncio.to_thread(store.load, named.set_id)
    manifest = describe(
        named.name,
        node.settings.organisation,
        anchors,
        request.source,
        request.licence,
        node.clock(),
    )
    raw = sign_anchors(manifest, [node.identity.signer("sign")])
    texts = request.out / f"{named.name}.anchors.jsonl"
    manifest_file = request.out / f"{named.name}.anchors.json"
    request.out.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(replace, texts, b"".join(as_jsonl(anchors)), 0o644)
    await asyncio.to_thread(replace, manifest_file, raw, 0o644)
    store.keep_manifest(named.set_id, raw)
    await note(node, "anchors-publish", manifest)
    return PublishedAnchors(anchors=_info(store, named), texts=texts, manifest=manifest_file)


@operation("anchors.list")
async def list_anchors(node: Node, request: NoRequest, progress: Progress) -> AnchorsList:
    """List the anchor sets and which encoders have embedded them."""
    from node.spaces.embed import embeddings_path

    del request, progress
    store = _store(node)
    spaces = {each.name: each.envelope.space_id for each in node.encoders.all()}

    def embedded(set_id: str) -> tuple[str, ...]:
        paths = {name: embeddings_path(store, set_id, space) for name, space in spaces.items()}
        return tuple(name for name, path in paths.items() if path.exists())

    return AnchorsList(
        sets=tuple(
            _info(store, named).model_copy(update={"encoders": embedded(named.set_id)})
            for named in store.all()
        )
    )


@operation("anchors.texts")
async def write_texts(node: Node, request: AnchorTexts, progress: Progress) -> AnchorsInfo:
    """Write the texts of an anchor set in canonical order, for a model that runs elsewhere."""
    import asyncio

    from node.durable_file import replace
    from node.spaces.anchor_set import as_jsonl

    del progress
    store = _store(node)
    anchors = await asyncio.to_thread(store.load, request.anchors)
    await asyncio.to_thread(replace, request.out, b"".join(as_jsonl(anchors)), 0o644)
    return _info(store, store.find(request.anchors))


@operation("anchors.embed")
async def embed_anchors(node: Node, request: EmbedAnchors, progress: Progress) -> Embedded:
    """Embed an anchor set with an encoder; going on where an earlier run stopped."""
    import asyncio

    from node.spaces.embed import embed, keep_given

    store, encoder = _store(node), node.encoders.get(request.encoder)
    organisation = node.settings.organisation
    anchors = await asyncio.to_thread(store.load, request.anchors)
    if request.vectors is None:
        embeddings = await embed(store, anchors, encoder, organisation, progress)
    else:
        embeddings = await asyncio.to_thread(
            keep_given, store, anchors, encoder, organisation, request.vectors
        )
    return _embedded(store.find(request.anchors).name, encoder.name, embeddings)


@operation("anchors.export")
async def export_anchors(node: Node, request: ExportAnchors, progress: Progress) -> Embedded:
    """Write the embeddings of an anchor set into a file for the other members."""
    import asyncio

    from node.durable_file import replace
    from node.spaces.embed import stored_embeddings
    from node.spaces.shared_folder import embeddings_name

    del progress
    store, encoder = _store(node), node.encoders.get(request.encoder)
    named = store.find(request.anchors)
    embeddings = await asyncio.to_thread(
        stored_embeddings, store, named.set_id, encoder.envelope.space_id
    )
    out = request.out
    if out.is_dir():
        out /= embeddings_name(named.name, node.settings.organisation, encoder.name)
    await asyncio.to_thread(replace, out, embeddings.encoded, 0o644)
    return _embedded(named.name, encoder.name, embeddings).model_copy(update={"file": out})


def _store(node: Node) -> AnchorStore:
    from node.spaces.anchor_store import AnchorStore

    return AnchorStore(node.data.anchors)


def _info(store: AnchorStore, named: NamedSet) -> AnchorsInfo:
    manifest = store.manifest(named.set_id)
    said = (
        {}
        if manifest is None
        else manifest.model_dump(include={"author", "source", "licence", "views"})
    )
    return AnchorsInfo(**{**named.model_dump(exclude={"imported_at"}), **said})


def _embedded(anchors: str, encoder: str, embeddings: AnchorEmbeddings) -> Embedded:
    return Embedded(
        anchors=anchors,
        set_id=embeddings.anchors,
        encoder=encoder,
        space=embeddings.space_id,
        dimension=embeddings.envelope.dimension,
        texts=len(embeddings.usable),
        empty=int((~embeddings.usable).sum()),
        digest=embeddings.digest,
    )
