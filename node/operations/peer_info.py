"""What operations say of a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

if TYPE_CHECKING:
    from node.federation.peer import Peer


class PeerInfo(BaseModel):
    """A partner as this node knows it; times are epoch seconds UTC.

    `url` is None for a partner that only asks. `fingerprint` is its root key's in twelve words,
    `words` are the six of the pairing, which its admin sees too.
    """

    organisation: str
    state: Literal["pending", "active", "paused", "revoked"]
    url: str | None
    fingerprint: str
    words: str | None
    root_version: int
    root_expires: int
    card_serial: int
    card_expires: int
    spaces: tuple[str, ...]
    added_at: int
    changed_at: int


def peer_info(peer: Peer) -> PeerInfo:
    """What to say of a partner."""
    from keys.words import fingerprint

    pinned = next(
        (key for key in peer.root.roots if key.kid == peer.record.pinned), peer.root.roots[0]
    )
    return PeerInfo(
        organisation=peer.organisation,
        state=peer.state,
        url=peer.card.url,
        fingerprint=" ".join(fingerprint(pinned.record.public)),
        words=peer.record.words,
        root_version=peer.root.version,
        root_expires=peer.root.expires,
        card_serial=peer.card.serial,
        card_expires=peer.card.expires,
        spaces=tuple(peer.card.by_space),
        added_at=peer.record.added_at,
        changed_at=peer.record.changed_at,
    )
