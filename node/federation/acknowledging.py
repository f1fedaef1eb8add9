"""A partner confirms answers, or does not: what is logged of either, on the responder's side.

The rule of this file: only answers that this node released to the very partner, under the digest
that it logged, can be confirmed, each once. Whatever else a partner names counts for nothing, and a
request that confirms nothing leaves no leaf of its own: it is counted with the refusals. The body
stands in the leaf for ever, so one that is longer than it need be is refused.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.audit.seen_checkpoints import SeenCheckpoint
from protocol.acknowledgement import Acknowledgement
from protocol.answer_content import AnsweringPeer
from protocol.checkpoint import Checkpoint, open_checkpoint
from protocol.leaf import Unacknowledged
from protocol.limits import ACKNOWLEDGE_S, MAX_UNACKNOWLEDGED
from protocol.log_errors import LogMaterialError
from protocol.problems import Code, Refused

if TYPE_CHECKING:
    from node.audit.log import AuditLog
    from node.clock import Clock
    from node.federation.peer import Peer


@dataclass(frozen=True)
class Confirmation:
    """What an acknowledgement confirms: indexes of own leaves; and its verified checkpoint."""

    leaves: tuple[int, ...]
    seen: SeenCheckpoint


def confirmation(body: bytes, peer: Peer, log: AuditLog, at: int) -> Confirmation:
    """Judge the body of an authenticated acknowledgement.

    Raises Refused, always without a leaf: `acknowledgement-refused` for a body that is none or a
    checkpoint that proves nothing, `nothing-acknowledged` where no answer in it waits for one.
    """
    try:
        told = Acknowledgement.parse(body)
    except Refused as refused:
        raise _refused(refused.local_detail) from None
    if len(body) > len(told.encode()):
        raise _refused("it is not compact JSON: spaces or escapes make it longer than it need be")
    head = _checkpoint(told, peer, at)
    waiting = log.unacknowledged(peer.organisation, [one.leaf for one in told.answers])
    leaves = sorted(one.leaf for one in told.answers if waiting.get(one.leaf) == one.answer)
    if not leaves:
        raise Refused(Code.NOTHING_ACKNOWLEDGED, "nothing in it waits", authenticated=True)
    note = told.checkpoint.encode()
    seen = SeenCheckpoint(peer.organisation, peer.record.pinned, head.origin, head.size, note)
    return Confirmation(tuple(leaves), seen)


def _checkpoint(told: Acknowledgement, peer: Peer, at: int) -> Checkpoint:
    keys = AnsweringPeer(peer.root.ring, peer.log_origin, peer.root.log_terms).log_keys(at)
    try:
        head = open_checkpoint(told.checkpoint.encode(), peer.log_origin, keys)
    except LogMaterialError as error:
        raise _refused(f"its checkpoint: {error}") from None
    if max(one.received for one in told.answers) >= head.size:
        raise _refused("its checkpoint does not cover every leaf that it names")
    return head


def _refused(detail: str) -> Refused:
    return Refused(Code.ACKNOWLEDGEMENT_REFUSED, detail, authenticated=True, detail=detail[:256])


async def note_overdue(log: AuditLog, clock: Clock) -> None:
    """Append an `unacknowledged` leaf for each partner with answers that are late."""
    from node.audit.entry import Entry

    late: dict[str, list[int]] = defaultdict(list)
    for peer, index in log.overdue(clock() - ACKNOWLEDGE_S):
        late[peer].append(index)
    for peer, leaves in late.items():
        for first in range(0, len(leaves), MAX_UNACKNOWLEDGED):
            some = tuple(leaves[first : first + MAX_UNACKNOWLEDGED])
            await log.append(Entry(Unacknowledged(at=clock(), peer=peer, unconfirmed=some)))
