"""What is held of a partner that asks: how far its log, root document and card were seen here."""

from typing import TYPE_CHECKING

from node.federation.peer import Peer
from protocol.checkpoint import Checkpoint
from protocol.leaf import new_salt
from protocol.limits import MAX_HELD_NOTE_CHARS
from protocol.messages import Held

if TYPE_CHECKING:
    from node.audit.log import AuditLog


def held_of(
    peer: Peer,
    log: "AuditLog",
    request_digest: str,
    cosigned: tuple[Checkpoint, bytes] | None = None,
) -> Held:
    """Return what a partner may know of itself: nothing in it is about anybody else.

    The checkpoint is the larger of the largest that came with its answers, and the one that was
    ``cosigned`` last, with its note. A node that is told so sees whether it went back, or forked.
    """
    seen = log.seen(peer.organisation, peer.record.pinned, peer.log_origin)
    note, size = (seen.note, seen.size) if seen else (None, 0)
    if cosigned is not None and cosigned[0].size >= size:
        note = cosigned[1] if len(cosigned[1]) <= MAX_HELD_NOTE_CHARS else note
    return Held(
        salt=new_salt(),
        query=request_digest,
        log_origin=peer.log_origin,
        checkpoint=note.decode() if note else None,
        root_version=peer.root.version,
        card_serial=peer.card.serial,
        root=peer.record.root,
    )
