"""What is answered without a search: offers, what is held of a partner, and its confirmations.

The rule of this file: each of these speaks of the partner itself, so that no grant is looked for
and nothing is charged; each leaves its leaf like any answer.
"""

import asyncio

from node.federation.acknowledging import confirmation
from node.federation.held import held_of
from node.federation.offers import offers_to
from node.federation.question import Question
from node.federation.release import PolicyMoved, Release
from node.federation.replies import RawResponse
from node.federation.responder_rooms import Rooms
from protocol.leaf import new_salt
from protocol.messages import Confirmed
from protocol.problems import Code, Refused


class Searchless:
    """Answers requests for offers, comparisons of logs, and acknowledgements."""

    def __init__(self, rooms: Rooms, release: Release) -> None:
        self._rooms = rooms
        self._release = release

    async def offers(self, question: Question) -> RawResponse:
        """Answer which collections are open to the peer."""
        policy = self._rooms.policy.current
        offers = offers_to(
            question.peer,
            question.accepted.body_digest,
            policy,
            self._rooms.collections,
            self._rooms.routes,
            self._rooms.ledgers,
            question.at,
        )
        payload = offers.encode()
        leaf = question.offered(policy.digest, len(offers.offers), payload)
        try:
            return await self._release.commit(question, leaf, payload, 200, policy.generation)
        except PolicyMoved:
            raise Refused(Code.BUSY, "the policy has just changed", authenticated=True) from None

    async def held(self, question: Question) -> RawResponse:
        """Answer how far the partner was seen here; no grant is needed to know oneself."""
        rooms = self._rooms
        peer = rooms.peers.get(question.peer)
        cosigned = await asyncio.to_thread(rooms.cosigned_of, peer)
        payload = held_of(peer, rooms.log, question.accepted.body_digest, cosigned).encode()
        leaf = question.compared(rooms.policy.current.digest, payload)
        return await self._release.commit(question, leaf, payload, 200, None)

    async def confirm(self, question: Question) -> RawResponse:
        """Log which answers the partner has received; what confirms nothing leaves no leaf."""
        rooms, body = self._rooms, question.accepted.body
        peer = rooms.peers.get(question.peer)
        told = confirmation(body, peer, rooms.log, question.at)
        payload = Confirmed(
            salt=new_salt(), query=question.accepted.body_digest, confirmed=len(told.leaves)
        ).encode()
        leaf = question.acknowledged(rooms.policy.current.digest, told.leaves, payload)
        return await self._release.commit(question, leaf, payload, 200, None, seen=told.seen)
