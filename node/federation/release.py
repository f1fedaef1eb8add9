"""Steps 15 and 16: a leaf and all that hangs on it become durable, then the answer is signed.

The rule of this file: nothing is shown before its leaf has committed, and the log writer looks once
more, in leaf order, at whether the partner, its key, the policy and the version still stand.
"""

import asyncio
from collections.abc import Callable

from node.audit.entry import Effects, Entry, IdempotencyEffect, NonceEffect, Receipt
from node.audit.seen_checkpoints import SeenCheckpoint
from node.content.content import Content
from node.federation.judgement import Permitted
from node.federation.question import Question
from node.federation.replies import RawResponse, Replies
from node.federation.responder_rooms import Rooms
from protocol.accept_query import AcceptedRequest
from protocol.leaf import Leaf
from protocol.problems import Code, Refused


class PolicyMoved(Exception):
    """The policy under which the question was judged, or the version that it searched, is past."""


class Release:
    """Makes leaves durable and signs what they release."""

    def __init__(
        self, rooms: Rooms, replies: Replies, inactive: Callable[[str, int], Refused]
    ) -> None:
        """`inactive`: what a partner that is not active any more is told (name, second)."""
        self._rooms = rooms
        self._replies = replies
        self._inactive = inactive

    async def commit(
        self,
        question: Question,
        leaf: Leaf,
        payload: bytes,
        status: int,
        generation: int | None,
        kept: IdempotencyEffect | None = None,
        permitted: Permitted | None = None,
        seen: SeenCheckpoint | None = None,
    ) -> RawResponse:
        """Step 15: one transaction for everything, with a last look; then step 16.

        `generation` is the policy's, `permitted` the versions' under which it was judged (None: it
        rests on none); raises PolicyMoved where they are past, and what the log raises.
        """
        accepted, reservation = question.accepted, question.reservation
        effects = Effects(
            nonce=NonceEffect(question.peer, accepted.nonce, accepted.forget_nonce_after),
            idempotency=kept,
            queries=reservation.query_effect(),
            exposures=reservation.exposure_effect(),
            probes=reservation.probes_effect(),
            seen=seen,
        )
        content = (Content("answered", accepted.body, payload),) if kept is not None else ()
        guard = lambda: self._look_again(accepted, generation, permitted)  # noqa: E731 - named for its use
        entry = Entry(leaf, effects, guard, content=content)
        submitted: asyncio.Future[Receipt] = self._rooms.log.submit(entry)
        reservation.follow(submitted)
        # shielded: a partner who hangs up does not take back what the log is writing
        receipt = await asyncio.shield(submitted)
        return self._replies.with_receipt(accepted, status, payload, receipt, self._rooms.clock())

    def _look_again(
        self, accepted: AcceptedRequest, generation: int | None, permitted: Permitted | None
    ) -> None:
        """Run by the log writer, in leaf order, just before the transaction."""
        peer, at = accepted.from_, self._rooms.clock()
        if not self._rooms.peers.is_active(peer):
            raise self._inactive(peer, at)
        ring = self._rooms.peers.ring(peer, at)
        if ring is None or accepted.kid in ring.revocations:
            raise Refused(Code.NOT_AUTHENTICATED, f"{accepted.kid} was revoked meanwhile")
        if generation is not None and self._rooms.policy.current.generation != generation:
            raise PolicyMoved
        if permitted is not None and not permitted.stands:
            raise PolicyMoved
