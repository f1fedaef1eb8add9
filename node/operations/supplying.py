"""The operation that gives a new version its vectors, where whoever asks computes them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.caller import caller
from node.operations.registry import Progress, operation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from node.collections.collection import Collection
    from node.collections.version import Version
    from node.encoders.encoder import Encoder
    from node.ingest.record import Record
    from node.node import Node

NAMED = 20
"""Ids of documents that a message names at most."""


class SupplyVectors(BaseModel, extra="forbid"):
    """Vectors by an encoder of kind caller, for documents that are there.

    `file`: JSONL with `id` and `vector`, .npy with `ids`, or a file of `collection export`.
    """

    collection: str
    to: str
    file: Path
    ids: Path | None = None


class SuppliedVectors(BaseModel):
    """What became of the vectors, and which documents still have none (`missing`, first ids)."""

    collection: str
    version: str
    state: str
    encoder: str
    given: int
    replaced: int
    unchanged: int
    unknown: int
    first_unknown: tuple[str, ...]
    documents: int
    covered: int
    missing: tuple[str, ...]


@operation("collection.supply")
async def supply(node: Node, request: SupplyVectors, progress: Progress) -> SuppliedVectors:
    """Give a new version the vectors that you computed; it is begun where there is none."""
    from node.collections.supply import supply as write_vectors
    from node.operations.version_changes import settle_state

    collection = node.collections.get(request.collection)
    encoder = _target(node, collection, request.to)
    async with _records(request, encoder, progress) as records:
        version = await _version(node, collection, encoder)
        told = await write_vectors(collection, version, records, progress)
    await _note(node, collection, version)
    await settle_state(node, collection, version)
    await version.settle(progress)
    cover, (state, missing) = version.coverage(), _where_it_stands(node, version)
    return SuppliedVectors(
        collection=collection.name,
        version=version.name,
        state=state,
        encoder=encoder.name,
        given=told.given,
        replaced=told.replaced,
        unchanged=told.unchanged,
        unknown=told.unknown,
        first_unknown=tuple(told.first_unknown),
        documents=cover.documents,
        covered=cover.covered,
        missing=tuple(missing),
    )


def _target(node: Node, collection: Collection, name: str) -> Encoder:
    from node.operations.errors import InvalidRequest

    encoder = node.encoders.get(name)
    if encoder.takes_text:
        raise InvalidRequest(
            f"Encoder {name} runs a model, so this node encodes the documents itself.",
            fix=f"interlingua collection migrate {collection.name} --to {name}",
        )
    if encoder.envelope.space_id == collection.space_id:
        raise InvalidRequest(
            f"{collection.name} is in the space of encoder {name} already.",
            fix="Vectors of the version that serves come by `interlingua collection ingest`.",
        )
    return encoder


@asynccontextmanager
async def _records(
    request: SupplyVectors, encoder: Encoder, progress: Progress
) -> AsyncIterator[Iterator[Record]]:
    """The file's records; one with an envelope is read once before, and must be of that space."""
    import asyncio

    from node.ingest import jsonl, npy
    from node.ingest.repeats import without_contradictions
    from node.operations.errors import InvalidRequest
    from node.transfer.check import Watched, checked_source
    from node.transfer.named_source import NamedSource
    from node.transfer.opening import open_source
    from node.transfer.records import records

    if request.file.suffix == ".jsonl" and request.ids is None:
        yield without_contradictions(jsonl.read(request.file))
        return
    if request.ids is not None:
        rows = npy.read(request.file, request.ids, dtype=encoder.envelope.dtype)
        yield without_contradictions(rows)
        return
    source = await asyncio.to_thread(open_source, NamedSource(source=str(request.file)))
    try:
        if source.head is None or source.head.space != encoder.envelope.space_id:
            raise InvalidRequest(
                f"{request.file} is of another space than encoder {encoder.name}.",
                fix="Name the encoder that its envelope is of.",
            )
        found = await checked_source(source, encoder.envelope, progress)
        yield records(Watched(source, found.end), encoder.envelope.space_id)
    finally:
        source.close()


async def _version(node: Node, collection: Collection, encoder: Encoder) -> Version:
    """The version in the encoder's space, begun where there is none."""
    from node.collections.switching import Reason
    from node.federation.event_leaves import switch_appender

    space = encoder.envelope.space_id
    for version in collection.standing.kept:
        if version.space_id == space:
            return version
    switching = collection.switching(switch_appender(node.log))
    version = await switching.begin(encoder, 0, Reason(caller()))
    if node.serving:
        node.card.current()
    return version


def _where_it_stands(node: Node, version: Version) -> tuple[str, list[str]]:
    """A version's state, and the first documents that have no vectors in it."""
    from node.store import version_rows

    row = version.row
    with node.store.read() as db:
        states = {one.key: one.state for one in version_rows.of_collection(db, row.collection)}
        waiting = version_rows.waiting(db, row.collection, row.key, 0, NAMED)
    return states[row.key], [one.external_id for one in waiting]


async def _note(node: Node, collection: Collection, version: Version) -> None:
    """Leave a `collection` leaf: how many documents have vectors in the version now."""
    from node.audit.entry import Entry
    from protocol.event_leaves import CollectionChanged

    leaf = CollectionChanged(
        at=node.clock(),
        by=caller(),
        collection=collection.name,
        event="vectors-supplied",
        version=version.name,
        space=version.space_id,
        documents=version.coverage().covered,
    )
    await node.log.append(Entry(leaf))
