"""The operation that turns a partner's reference back into the own record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.registry import Progress, operation

if TYPE_CHECKING:
    from node.node import Node


class Resolve(BaseModel, extra="forbid"):
    """A reference that a partner names; peer and collection are found where left out."""

    reference: str
    peer: str | None = None
    collection: str | None = None


class ResolvedRecord(BaseModel):
    """The record behind a reference; `external_id` is None when it was deleted since."""

    reference: str
    peer: str
    collection: str
    epoch: int
    external_id: str | None
    uri: str | None


@operation("resolve")
async def resolve(node: Node, request: Resolve, progress: Progress) -> ResolvedRecord:
    """Name the record behind a reference that this node gave to a partner."""
    del progress
    from node.federation.resolve import resolve as resolve_reference

    found = resolve_reference(
        request.reference,
        node.references,
        node.peers,
        node.collections,
        request.peer,
        request.collection,
    )
    return ResolvedRecord(reference=request.reference, **vars(found))
