"""Whether a partner's log only grows, judged by what came with its answers.

The rule of this file: no clock is needed. A leaf is appended after its question arrived, so it lies
behind every checkpoint that was held when the question was sent. A log that was put back to an
older state breaks this with its first answer, and the answer is not used.
"""

from node.audit.seen_checkpoints import SeenCheckpoint
from node.federation.peer import Peer
from protocol.answer_content import AcceptedAnswer
from protocol.tlog_proof import checkpoint_in


def gone_back(before: SeenCheckpoint | None, said: AcceptedAnswer) -> str | None:
    """Say how the answer's log has gone back; None where it has not.

    `before` is the largest checkpoint of the log that was held when the question was sent.
    """
    if before is None or said.receipt.index >= before.size:
        return None
    return (
        f"the log {before.origin} has gone back: the answer is its leaf {said.receipt.index}, and "
        f"{before.size} leaves were seen before; its admin must compare it (interlingua doctor)"
    )


def seen_with(peer: Peer, said: AcceptedAnswer, proof: bytes) -> SeenCheckpoint:
    """Return the checkpoint that came with an answer; `proof` is its receipt as it is kept."""
    note, head = checkpoint_in(proof), said.receipt.checkpoint
    return SeenCheckpoint(peer.organisation, peer.record.pinned, head.origin, head.size, note)
