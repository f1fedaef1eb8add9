"""The newest moment that has passed for certain, by what lies in the data directory.

The rule of this file: it never raises. What cannot be read is another check's finding and counts as
nothing. Partners' documents were taken with a clock that may be ahead by the skew, so they count
from that much earlier.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from node.audit.errors import AuditError
from node.audit.last_instant import last_instant
from node.room_error import RoomError
from protocol.card import CARD_TYPE, Card, CardRefused
from protocol.document import DocumentRefused, read_document
from protocol.limits import CLOCK_SKEW_S

if TYPE_CHECKING:
    from node.node import Node


def own_past(node: Node) -> int:
    """Epoch seconds (UTC) of the newest thing that this node or a partner of it has signed."""
    return max(_instants(node))


def _instants(node: Node) -> Iterator[int]:
    yield node.identity.root.issued
    with suppress(OSError, DocumentRefused):
        raw = node.data.card_file.read_bytes()
        yield read_document(raw, CARD_TYPE, Card, CardRefused)[0].issued
    if node.data.log_file.exists():
        with suppress(AuditError):
            yield last_instant(node.data.log_file)
    with suppress(RoomError):
        for peer in node.peers.all():
            yield max(peer.root.issued, peer.card.issued) - CLOCK_SKEW_S
