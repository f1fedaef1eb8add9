"""Steps 11 to 15 of a query: judged, searched, disclosed, released; or its stored answer repeated.

The rule of this file: a question that the policy or the version moved away from while it was being
answered is judged anew from step 11; the refusals of these steps are raised, and become leaves in
the responder.
"""

from node.audit.entry import IdempotencyEffect, StoredAnswer
from node.federation.admission import other_question
from node.federation.answers import disclosed_answer, repeated_answer, shows
from node.federation.disclosing import (
    canonical_filter,
    commitments_to_shown,
    search_and_disclose,
)
from node.federation.in_step import InStep
from node.federation.judgement import Routed, permit, refusal, route
from node.federation.probing import Sketcher
from node.federation.question import Question
from node.federation.release import PolicyMoved, Release
from node.federation.replies import RawResponse
from node.federation.responder_rooms import Rooms
from node.policy.policy import Policy
from protocol.answer_line import WrittenAnswer
from protocol.limits import IDEMPOTENCY_S
from protocol.problems import Code, Refused
from protocol.query_message import Query

ATTEMPTS = 3
"""How often a question is judged anew because the policy changed while it was being answered."""


class Answering:
    """Answers questions whose body could be read."""

    def __init__(self, rooms: Rooms, release: Release, in_step: InStep) -> None:
        self._rooms = rooms
        self._release = release
        self._in_step = in_step
        self._sketcher = Sketcher(rooms.references.secret(b"sketch-v1"))

    async def answer(self, question: Question, query: Query) -> RawResponse:
        """Answer a question, or repeat what was answered to its id; raises Refused."""
        stored = self._rooms.log.idempotent(question.peer, query.id, question.at)
        if stored is not None:
            return await self._repeat(question, query, stored)
        return await self._answer_now(question, query)

    async def _answer_now(self, question: Question, query: Query) -> RawResponse:
        rooms = self._rooms
        for _ in range(ATTEMPTS):
            policy = self._rooms.policy.current
            routed = await self._judge(question, query, policy)  # steps 11 and 12
            await self._in_step
            shown = await search_and_disclose(query, routed, question.reservation)  # 13 and 14
            await self._in_step
            left = rooms.ledgers.queries_left(routed.permitted.grant, question.at)
            committed = await commitments_to_shown(query, routed, shown)
            answer = disclosed_answer(
                question, query, routed, shown, committed, rooms.references, left
            )
            await self._in_step
            try:
                return await self._give(question, query, routed, answer, policy)
            except PolicyMoved:
                continue
        raise Refused(Code.BUSY, "the policy keeps changing", authenticated=True)

    async def _judge(self, question: Question, query: Query, policy: Policy) -> Routed:
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
        await self._in_step
        probes = self._sketcher.probes(routed.searched, canonical_filter(query))
        if not question.reservation.reserve_probes(probes, grant.near_duplicates_per_day):
            raise refusal(
                Code.BUDGET_EXHAUSTED,
                f"at most {grant.near_duplicates_per_day} questions a day may lie this close "
                "together (UTC)",
                rule="near-duplicates",
            )
        return routed

    async def _give(
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
        return await self._release.commit(
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
            return await self._release.commit(question, leaf, payload, 200, policy.generation)
        except PolicyMoved:
            raise Refused(Code.BUSY, "the policy has just changed", authenticated=True) from None
