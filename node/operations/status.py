"""What the node says of itself at one look."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.listeners.addresses import Listeners, read
from node.operations.course_shown import (
    CourseShown,
    FillingShown,
    course_shown,
    filling_shown,
)
from node.operations.registry import NoRequest, Progress, operation

if TYPE_CHECKING:
    from node.node import Node


class CollectionLine(BaseModel):
    """One collection: the version that serves, its number of documents, and what is under way.

    `others`: the versions that are kept besides, being filled or complete.
    """

    name: str
    version: str
    documents: int
    course: CourseShown | None
    others: tuple[FillingShown, ...]


class PeerLine(BaseModel):
    """One partner: its state, and when its card ends (epoch seconds UTC)."""

    organisation: str
    state: str
    card_expires: int


class Status(BaseModel):
    """The node at one look; times are epoch seconds UTC.

    `log_size`: leaves in the audit log. `grants` in force, of policy generation `policy`.
    `listeners` is None when the node is stopped.
    """

    organisation: str
    url: str | None
    version: str
    data: str
    fingerprint: str
    root_version: int
    root_expires: int
    card_serial: int
    card_expires: int
    log_origin: str
    log_size: int
    policy: int
    grants: int
    tokens: int
    collections: tuple[CollectionLine, ...]
    peers: tuple[PeerLine, ...]
    listeners: Listeners | None


@operation("status", role="auditor")
async def status(node: Node, request: NoRequest, progress: Progress) -> Status:
    """Show who the node is, where it listens, and what it holds."""
    del request, progress
    from keys.words import fingerprint

    root, (card, _), policy = node.identity.root, node.card.current(), node.policy.current
    return Status(
        organisation=root.organisation,
        url=root.url,
        version=version("interlingua"),
        data=str(node.data.path),
        fingerprint=" ".join(fingerprint(root.roots[0].record.public)),
        root_version=root.version,
        root_expires=root.expires,
        card_serial=card.serial,
        card_expires=card.expires,
        log_origin=node.log_origin,
        log_size=node.log.size(),
        policy=policy.generation,
        grants=len(policy.grants),
        collections=tuple(
            CollectionLine(
                name=each.name,
                version=each.version,
                documents=each.documents,
                course=course_shown(each),
                others=tuple(filling_shown(each)),
            )
            for each in node.collections.all()
        ),
        peers=tuple(
            PeerLine(
                organisation=each.organisation, state=each.state, card_expires=each.card.expires
            )
            for each in node.peers.all()
        ),
        tokens=sum(token.revoked is None for token in node.tokens.list()),
        listeners=read(node.data) if node.serving else None,
    )
