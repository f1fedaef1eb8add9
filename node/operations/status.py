"""What the node says of itself at one look."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.listeners.addresses import Listeners, read
from node.operations.registry import NoRequest, Progress, operation

if TYPE_CHECKING:
    from node.node import Node


class Status(BaseModel):
    """The node at one look; times are epoch seconds UTC.

    `listeners` is None when the node is stopped.
    """

    organisation: str
    url: str
    version: str
    data: str
    fingerprint: str
    root_version: int
    root_expires: int
    card_serial: int
    card_expires: int
    tokens: int
    listeners: Listeners | None


@operation("status", role="auditor")
async def status(node: Node, request: NoRequest, progress: Progress) -> Status:
    """Show who the node is, where it listens, and what it holds."""
    del request, progress
    from keys.words import fingerprint

    root, (card, _) = node.identity.root, node.card.current()
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
        tokens=sum(token.revoked is None for token in node.tokens.list()),
        listeners=read(node.data) if node.serving else None,
    )
