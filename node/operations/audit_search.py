"""Searching the audit log: by whoever owns the file from the file, by a token through the node.

Rule of this file: what a token reads through the node is in the log before it is shown (ADR 0040).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from node.operations.caller import caller
from node.operations.registry import Progress, operation
from protocol.leaf_filter import LeafFilter

if TYPE_CHECKING:
    from pathlib import Path

    from node.node import Node


class SearchLeaves(LeafFilter):
    """Which leaves to find, newest first; `before` goes on below the index where a page ended."""

    model_config = ConfigDict(strict=False)

    before: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = 50

    @field_validator("type")
    @classmethod
    def _known_type(cls, given: str | None) -> str | None:
        """A type that there is not would find nothing, and seem to say something."""
        from protocol.leaf import LEAF_TYPES

        if given is not None and given not in LEAF_TYPES:
            raise ValueError(f"leaves are of the types {', '.join(LEAF_TYPES)}")
        return given

    @field_validator("decision")
    @classmethod
    def _known_decision(cls, given: str | None) -> str | None:
        """As for types."""
        from protocol.exchange_leaves import Decision

        if given is not None and given not in get_args(Decision):
            raise ValueError(f"decisions are {', '.join(get_args(Decision))}")
        return given

    def wanted(self) -> LeafFilter:
        """The filter alone, without the page."""
        return LeafFilter(**self.model_dump(include=set(LeafFilter.model_fields)))


class FoundLeaf(BaseModel):
    """One leaf without the signature that it carries."""

    index: int
    at: int
    type: str
    peer: str | None
    fields: dict[str, Any]


class FoundLeaves(BaseModel):
    """Matching leaves, newest first, of the log `origin`, which has `size` leaves.

    `root`: RFC 6962 root of them all, hex; empty where the log's hashes are damaged. `before`: what
    the next page is asked with, None where there is none.
    """

    origin: str
    size: int
    root: str
    leaves: tuple[FoundLeaf, ...]
    before: int | None


@operation("audit.search", role="auditor")
async def search(node: Node, request: SearchLeaves, progress: Progress) -> FoundLeaves:
    """Find leaves of the audit log, the newest first; the reading itself is logged."""
    import asyncio

    from node.audit.search import count

    wanted, file = request.wanted(), node.data.log_file
    await node.readings.note(caller(), "search", lambda: count(file, wanted), wanted)
    return await asyncio.to_thread(find_leaves, file, request, progress)


def find_leaves(path: Path, request: SearchLeaves, progress: Progress) -> FoundLeaves:
    """Find leaves in a log.db."""
    from node.audit.search import search as find

    found = find(path, request.wanted(), request.limit, request.before, progress)
    leaves = tuple(
        FoundLeaf(index=one.index, at=one.at, type=one.type, peer=one.peer, fields=one.fields)
        for one in found.leaves
    )
    before = leaves[-1].index if found.more else None
    return FoundLeaves(
        origin=found.origin,
        size=found.size,
        root=found.root.hex(),
        leaves=leaves,
        before=before,
    )
