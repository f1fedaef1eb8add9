"""What is held of a partner that asks: how far its log, root document and card were seen here."""

from typing import TYPE_CHECKING

from node.federation.peer import Peer
from protocol.leaf import new_salt
from protocol.messages import Held

if TYPE_CHECKING:
    from node.audit.log import AuditLog


def held_of(peer: Peer, log: "AuditLog", request_digest: str) -> Held:
    """Return what a partner may know of itself: nothing in it is about anybody else."""
    seen = log.seen(peer.organisation, peer.record.pinned, peer.log_origin)
    return Held(
        salt=new_salt(),
        query=request_digest,
        log_origin=peer.log_origin,
        checkpoint=seen.note.decode() if seen else None,
        root_version=peer.root.version,
        card_serial=peer.card.serial,
        root=peer.record.root,
    )
