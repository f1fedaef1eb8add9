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
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from keys.signer import Signer
from node.audit.entry import Effects, Entry, IdempotencyEffect, NonceEffect, Receipt, StoredAnswer
from node.audit.errors import AlreadyRecorded, LogUnavailable
from node.audit.seen_checkpoints import SeenCheckpoint
from node.clock import Clock
from node.content.content import Content
from node.federation.acknowledging import confirmation, note_overdue
from node.federation.admission import Admission, other_question
from node.federation.answers import disclosed_answer, repeated_answer, shows
from node.federation.disclosing import (
    canonical_filter,
    commitments_to_shown,
    search_and_disclose,
)
from node.federation.held import held_of
from node.federation.judgement import Permitted, Routed, permit, refusal, route
from node.federation.ledgers import Ledgers
from node.federation.log_reads import LOG_READS, read_log
from node.federation.offers import offers_to
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.probing import Sketcher
from node.federation.question import Question
from node.federation.references import References
from node.federation.refusal_counts import RefusalCounts
from node.federation.replay import Nonces
from node.federation.replies import RawResponse, Replies
from node.federation.routing import Routes
from node.federation.under_way import UnderWay
from node.policy.book import PolicyBook
from node.policy.policy import Policy
from protocol.accept_query import AcceptedRequest, RawRequest, ReceiverContext, accept, sender_of
from protocol.answer_line import WrittenAnswer
from protocol.checkpoint import Checkpoint
from protocol.leaf import Leaf, new_salt
from protocol.limits import IDEMPOTENCY_S
from protocol.messages import Confirmed, Denial
from protocol.problems import Code, Refused
from protocol.profile import ACK, HELD
from protocol.query_message import Query

if TYPE_CHECKING:
    from node.audit.log import AuditLog
    from node.collections.registry import Collections

ATTEMPTS = 3
"""How often a question is judged anew because the policy changed while it was being answered."""

_log = structlog.get_logger(__name__)


class _PolicyMoved(Exception):
    """The policy under which the question was judged, or the version that it searched, is past."""


@dataclass(frozen=True)
class Rooms:
    """What the responder works with."""

    organisation: str
    authorities: Callable[[], frozenset[str]]
    signer: Callable[[], Signer]
    peers: PeerBook
    policy: PolicyBook
    collections: "Collections"
    routes: Routes
    log: "AuditLog"
    ledgers: Ledgers
    references: References
    clock: Clock
    suggest_refresh: Callable[[str], None] = field(default=lambda _name: None)
    cosigned_of: Callable[[Peer], tuple[Checkpoint, bytes] | None] = field(default=lambda _: None)
    witnesses_needed: int = 1
    seconds: Callable[[], float] = time.monotonic


class Responder:
    """Answers signed requests; one per node, on its event loop."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._replies = Replies(rooms.signer)
        self._sketcher = Sketcher(rooms.references.secret(b"sketch-v1"))
        self._refusals = RefusalCounts()
        self._under_way = UnderWay()
        nonces = Nonces()
        nonces.load(rooms.log.nonces(rooms.clock()))
        self._admission = Admission(rooms.peers, rooms.policy, rooms.ledgers, nonces, rooms.seconds)

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
        question = self._admission.admit(accepted, at)  # steps 9 and 10
        try:
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
                return await self._held(question)
            if question.accepted.endpoint is ACK:
                return await self._confirm(question)
            if question.query is None:
                return await self._offers(question)
            stored = self._rooms.log.idempotent(question.peer, question.query.id, question.at)
            if stored is not None:
                return await self._repeat(question, question.query, stored)
            return await self._answer_now(question, question.query)
        except Refused as refused:
            if refused.kind.standing != "logged":
                raise
            return await self._deny(question, refused)

    async def _answer_now(self, question: Question, query: Query) -> RawResponse:
        rooms = self._rooms
        for _ in range(ATTEMPTS):
            policy = self._rooms.policy.current
            routed = self._judge(question, query, policy)  # steps 11 and 12
            shown = await search_and_disclose(query, routed, question.reservation)  # 13 and 14
            left = rooms.ledgers.queries_left(routed.permitted.grant, question.at)
            committed = await commitments_to_shown(query, routed, shown)
            answer = disclosed_answer(
                question, query, routed, shown, committed, rooms.references, left
            )
            try:
                return await self._release(question, query, routed, answer, policy)
            except _PolicyMoved:
                continue
        raise Refused(Code.BUSY, "the policy keeps changing", authenticated=True)

    def _judge(self, question: Question, query: Query, policy: Policy) -> Routed:
        """Steps 11 and 12."""
        rooms = self._rooms
        question.policy, question.grant = policy.digest, None
        permitted = permit(question.peer, query, policy, rooms.collections, question.at)
        question.grant = grant = permitted.grant
        if not question.reservation.reserve_queries(grant, query.vectors.n):
            left = rooms.ledgers.queries_left(grant, question.at)
            raise refusal(
                Code.BUDGET_EXHAUSTED,
                f"{left} of {grant.queries_per_day} vectors are left today (UTC)",
                rule="queries-per-day",
            )
        routed = route(query, permitted, rooms.routes)
        probes = self._sketcher.probes(routed.searched, canonical_filter(query))
        if not question.reservation.reserve_probes(probes, grant.near_duplicates_per_day):
            raise refusal(
                Code.BUDGET_EXHAUSTED,
                f"at most {grant.near_duplicates_per_day} questions a day may lie this close "
                "together (UTC)",
                rule="near-duplicates",
            )
        return routed

    async def _release(
        self,
        question: Question,
        query: Query,
        routed: Routed,
        answer: WrittenAnswer,
        policy: Policy,
    ) -> RawResponse:
        """Steps 15 and 16."""
        payload = answer.encode()
        leaf = question.answered(answer, payload, routed.inbound.adapter)
        kept = IdempotencyEffect(
            question.peer,
            query.id,
            question.accepted.body_digest,
            shows(routed.permitted.grant) + payload,
            question.at + IDEMPOTENCY_S,
        )
        return await self._commit(
            question, leaf, payload, 200, policy.generation, kept, routed.permitted
        )

    async def _repeat(self, question: Question, query: Query, stored: StoredAnswer) -> RawResponse:
        """Give a stored answer again, if today's policy still shows as much; charge nothing."""
        if stored.body_digest != question.accepted.body_digest:
            raise other_question()
        policy = self._rooms.policy.current
        permitted = permit(question.peer, query, policy, self._rooms.collections, question.at)
        question.grant = permitted.grant
        left = self._rooms.ledgers.queries_left(permitted.grant, question.at)
        if stored.payload is None:
            raise refusal(Code.ANSWER_ERASED, "the stored answer is not kept any more")
        answer = repeated_answer(stored.payload, permitted.grant, left)
        if answer is None:
            raise refusal(
                Code.NOT_GRANTED, "the grant shows something else now", rule="grant-changed"
            )
        payload = answer.encode()
        leaf = question.repeated(payload, stored.leaf_index)
        try:
            return await self._commit(question, leaf, payload, 200, policy.generation)
        except _PolicyMoved:
            raise Refused(Code.BUSY, "the policy has just changed", authenticated=True) from None

    async def _offers(self, question: Question) -> RawResponse:
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
            return await self._commit(question, leaf, payload, 200, policy.generation)
        except _PolicyMoved:
            raise Refused(Code.BUSY, "the policy has just changed", authenticated=True) from None

    async def _held(self, question: Question) -> RawResponse:
        """Answer how far the partner was seen here; no grant is needed to know oneself."""
        rooms = self._rooms
        peer = rooms.peers.get(question.peer)
        cosigned = await asyncio.to_thread(rooms.cosigned_of, peer)
        payload = held_of(peer, rooms.log, question.accepted.body_digest, cosigned).encode()
        leaf = question.compared(rooms.policy.current.digest, payload)
        return await self._commit(question, leaf, payload, 200, None)

    async def _confirm(self, question: Question) -> RawResponse:
        """Log which answers the partner has received; what confirms nothing leaves no leaf."""
        rooms, body = self._rooms, question.accepted.body
        peer = rooms.peers.get(question.peer)
        told = confirmation(body, peer, rooms.log, question.at)
        payload = Confirmed(
            salt=new_salt(), query=question.accepted.body_digest, confirmed=len(told.leaves)
        ).encode()
        leaf = question.acknowledged(rooms.policy.current.digest, told.leaves, payload)
        return await self._commit(question, leaf, payload, 200, None, seen=told.seen)

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
        return await self._commit(question, leaf, payload, refused.kind.status, None)

    async def _commit(
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
        """Step 15: one transaction for everything, with a last look; then step 16."""
        accepted, reservation = question.accepted, question.reservation
        effects = Effects(
            nonce=NonceEffect(question.peer, accepted.nonce, accepted.forget_nonce_after),
            idempotency=kept,
            queries=reservation.query_effect(),
            exposures=reservation.exposure_effect(),
            probes=reservation.probe_effects(),
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
            raise self._admission.inactive(peer, at)
        ring = self._rooms.peers.ring(peer, at)
        if ring is None or accepted.kid in ring.revocations:
            raise Refused(Code.NOT_AUTHENTICATED, f"{accepted.kid} was revoked meanwhile")
        if generation is not None and self._rooms.policy.current.generation != generation:
            raise _PolicyMoved
        if permitted is not None and not permitted.stands:
            raise _PolicyMoved

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
