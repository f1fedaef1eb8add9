"""Operations on anchor sets: import, embed, export, list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.registry import NoRequest, Progress, operation
from protocol.notation import CollectionName

if TYPE_CHECKING:
    from node.node import Node
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.embedding_file import AnchorEmbeddings


class ImportAnchors(BaseModel, extra="forbid"):
    """A file of public texts: JSONL with `document` and `query`, or one text a line."""

    name: CollectionName
    file: Path


class AnchorsInfo(BaseModel):
    """An anchor set.

    `derived` counts the query views that the file did not give and that were taken from the texts
    (first sentence, else first words). `encoders` are those that have embedded it.
    """

    name: str
    set_id: str
    anchors: int
    derived: int
    encoders: tuple[str, ...] = ()


class AnchorsList(BaseModel):
    """All anchor sets, by name."""

    sets: tuple[AnchorsInfo, ...]


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

    `empty`: texts of which the model makes nothing; they are left out of fits.
    """

    anchors: str
    set_id: str
    encoder: str
    space: str
    dimension: int
    texts: int
    empty: int
    digest: str


class ExportAnchors(BaseModel, extra="forbid"):
    """Which embeddings to write where."""

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

    progress(0, None, "reading texts")
    store = _store(node)
    named = await asyncio.to_thread(store.add, request.name, request.file, node.clock())
    return AnchorsInfo(**named.model_dump(exclude={"imported_at"}))


@operation("anchors.list")
async def list_anchors(node: Node, request: NoRequest, progress: Progress) -> AnchorsList:
    """List the anchor sets and which encoders have embedded them."""
    from node.spaces.embed import embeddings_path

    del request, progress
    store = _store(node)
    encoders = {each.name: each.envelope.space_id for each in node.encoders.all()}
    return AnchorsList(
        sets=tuple(
            AnchorsInfo(
                **named.model_dump(exclude={"imported_at"}),
                encoders=tuple(
                    name
                    for name, space in encoders.items()
                    if embeddings_path(store, named.set_id, space).exists()
                ),
            )
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
    named = store.find(request.anchors)
    return AnchorsInfo(**named.model_dump(exclude={"imported_at"}))


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

    del progress
    store, encoder = _store(node), node.encoders.get(request.encoder)
    named = store.find(request.anchors)
    embeddings = await asyncio.to_thread(
        stored_embeddings, store, named.set_id, encoder.envelope.space_id
    )
    await asyncio.to_thread(replace, request.out, embeddings.encoded, 0o644)
    return _embedded(named.name, encoder.name, embeddings)


def _store(node: Node) -> AnchorStore:
    from node.spaces.anchor_store import AnchorStore

    return AnchorStore(node.data.anchors)


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
