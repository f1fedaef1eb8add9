"""Answering a partner's question: bytes in, bytes out. No HTTP in here.

Steps 1 to 8 authenticate and are `protocol.accept_query`. From there on the sender is known:

9.  Room for one more request, peer state, then rate tokens (a batch of n takes n). Refused without
    a receipt, and counted.
10. The nonce is recorded (a replay is refused without a receipt, and counted); the body is read;
    the question's id is taken, or found to be under way, answered before, or another question's.
11. The grant: collection, purpose, validity, granularity, k. Its query budget is reserved: budgets
    belong to grants, so there is none to reserve before one is found.
12. Envelope, vectors, and the route into the collection's space.
13. Search, and scores in the question's space.
14. Disclosure: answers about records are reserved, lists trimmed, records named by references.
15. The log writer checks peer state and policy once more, then one transaction holds leaf, nonce,
    debits and the signed checkpoint. Nothing is shown before it has committed. Where the policy
    changed meanwhile, or another version of the collection took over, the question goes through 11
    to 15 again, under the new one.
16. The answer is signed, bound to the question.

A refusal from step 10 on leaves a `denied` leaf with its receipt, a failed search an `error` leaf;
both give the budget back and keep rate token and nonce. A failed commit gives everything back but
those, and answers 503 with nothing shown.

Steps 9 and 10 are admission.py, 11 to 14 answering.py, 15 and 16 release.py; what needs no search
is answered in searchless.py.
"""

import structlog

from node.audit.entry import Entry
from node.audit.errors import AlreadyRecorded, LogUnavailable
from node.federation.acknowledging import note_overdue
from node.federation.admission import Admission
from node.federation.answering import Answering
from node.federation.in_step import InStep
from node.federation.log_reads import LOG_READS, read_log
from node.federation.question import Question
from node.federation.refusal_counts import RefusalCounts
from node.federation.release import Release
from node.federation.replay import Nonces
from node.federation.replies import RawResponse, Replies
from node.federation.responder_rooms import Rooms
from node.federation.searchless import Searchless
from node.federation.under_way import UnderWay
from protocol.accept_query import AcceptedRequest, RawRequest, ReceiverContext, accept, sender_of
from protocol.leaf import Leaf, new_salt
from protocol.messages import Denial
from protocol.problems import Code, Refused
from protocol.profile import ACK, HELD

_log = structlog.get_logger(__name__)


class Responder:
    """Answers signed requests; one per node, on its event loop."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._replies = Replies(rooms.signer)
        self._refusals = RefusalCounts()
        self._under_way = UnderWay()
        nonces = Nonces()
        nonces.load(rooms.log.nonces(rooms.clock()))
        self._admission = Admission(rooms.peers, rooms.policy, rooms.ledgers, nonces, rooms.seconds)
        self._release = Release(rooms, self._replies, self._admission.inactive)
        self._in_step = InStep(self._under_way.several)
        self._answering = Answering(rooms, self._release, self._in_step)
        self._searchless = Searchless(rooms, self._release)

    def partner_behind(self, head: RawRequest) -> str | None:
        """Name the partner whose signature covers these header fields, before the body is whole."""
        at = self._rooms.clock()
        try:
            return sender_of(head, self._receiver(at), at)
        except Refused:
            return None

    async def answer(self, raw: RawRequest, remote: str) -> RawResponse:
        """Answer one request; `remote` is for the own log only. Raises nothing but cancellation."""
        at = self._rooms.clock()
        try:
            accepted = accept(raw, self._receiver(at), at)  # steps 1 to 8
        except Refused as refused:
            return self._turn_away(raw, refused, remote, at)
        try:
            with self._under_way.entered(accepted.from_):
                return await self._answer_accepted(accepted, at)
        except Refused as refused:
            return self._reply_unlogged(accepted, refused, at)

    async def _answer_accepted(self, accepted: AcceptedRequest, at: int) -> RawResponse:
        """Steps 9 to 16; raises Refused for what leaves no leaf."""
        if accepted.endpoint.name in LOG_READS:
            self._admission.admit_reading(accepted, at)  # steps 9 and 10
            needed = self._rooms.witnesses_needed
            return await read_log(accepted, self._rooms.log, self._replies, needed, at)
        await self._in_step
        question = self._admission.admit(accepted, at)  # steps 9 and 10
        try:
            await self._in_step
            return await self._answer(question)
        except AlreadyRecorded as error:
            raise Refused(Code.REPLAYED, str(error), authenticated=True) from None
        except LogUnavailable as error:
            _log.error("answer not logged, so not given", peer=question.peer, cause=str(error))
            raise Refused(Code.UNAVAILABLE, str(error), authenticated=True) from None
        finally:
            question.reservation.abandon()

    async def flush(self, *, everything: bool = False) -> None:
        """Write the counts of refusals of minutes that are over (or all); call it every minute."""
        for leaf in self._refusals.take(self._rooms.clock(), everything=everything):
            try:
                await self._rooms.log.append(Entry(leaf))
            except LogUnavailable as error:
                self._refusals.put_back(leaf)
                _log.error("refusals not logged", cause=str(error))

    def _receiver(self, at: int) -> ReceiverContext:
        rooms = self._rooms
        return ReceiverContext(
            rooms.organisation, rooms.authorities(), lambda name: rooms.peers.ring(name, at)
        )

    async def _answer(self, question: Question) -> RawResponse:
        """Steps 11 to 16, and the leaf of whatever stands against the question."""
        question.policy = self._rooms.policy.current.digest
        try:
            if question.fault is not None:
                raise question.fault
            if question.accepted.endpoint is HELD:
                return await self._searchless.held(question)
            if question.accepted.endpoint is ACK:
                return await self._searchless.confirm(question)
            if question.query is None:
                return await self._searchless.offers(question)
            return await self._answering.answer(question, question.query)
        except Refused as refused:
            if refused.kind.standing != "logged":
                raise
            return await self._deny(question, refused)

    async def note_overdue(self) -> None:
        """Log which answers no partner has confirmed in time; call it every few minutes."""
        await note_overdue(self._rooms.log, self._rooms.clock)

    async def _deny(self, question: Question, refused: Refused) -> RawResponse:
        """Log a refusal and say it; whatever was reserved for the work is given back first."""
        question.reservation.give_back_work()
        failed = refused.code is Code.SEARCH_FAILED
        denial = Denial(
            salt=new_salt(),
            query=question.accepted.body_digest,
            decision="error" if failed else "denied",
            problem=refused.problem(),
        )
        payload = denial.encode()
        leaf: Leaf = (
            question.failed(refused, payload) if failed else question.denied(refused, payload)
        )
        return await self._release.commit(question, leaf, payload, refused.kind.status, None)

    def _turn_away(self, raw: RawRequest, refused: Refused, remote: str, at: int) -> RawResponse:
        """Answer a sender who is not authenticated; the reason stays here."""
        self._refusals.count(None, refused.code, at)
        _log.info(
            "request refused", code=str(refused.code), detail=refused.local_detail, remote=remote
        )
        if refused.code is Code.NOT_AUTHENTICATED:
            named = next((v for n, v in raw.headers if n.lower() == b"interlingua-from"), b"")
            # perhaps it signed with a key that its newest root document names
            self._rooms.suggest_refresh(named.decode("ascii", "replace"))
        return self._replies.unsigned(refused)

    def _reply_unlogged(self, accepted: AcceptedRequest, refused: Refused, at: int) -> RawResponse:
        """Answer a refusal that leaves no leaf of its own; it is counted."""
        self._refusals.count(accepted.from_, refused.code, at)
        if refused.kind.standing == "unauthenticated":
            return self._replies.unsigned(refused)
        return self._replies.without_receipt(accepted, refused, self._rooms.clock())
