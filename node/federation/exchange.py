"""One signed exchange with one partner: a leaf before the first byte, a leaf before it is shown.

The rule of this file: the `sent` leaf is durable before the question leaves, and what came back is
data only after it verified and its `received` leaf, with the partner's receipt, is durable; answers
that come together are entered together (node/federation/arrivals.py). What brings nothing usable
ends in an `unanswered` leaf. From then on an acknowledgement is owed.

A question whose connection broke, or that is still being answered, is sent again with a fresh nonce
and the same id: the partner answers it once and charges it once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from node.audit.entry import Effects, Entry, KeptReceipt
from node.audit.log import AuditLog
from node.clock import Clock
from node.content.content import Content
from node.federation.arrivals import Arrivals
from node.federation.client import ConnectionBroke, TransportError
from node.federation.log_order import gone_back, seen_with
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.refresh import Refresher
from node.federation.signed_requests import SignedRequests
from node.federation.unverifiable import Unverifiable, unverifiable
from protocol.accept_answer import AuthenticatedProblem, RawAnswer, accept_answer
from protocol.answer_content import AcceptedAnswer, AnsweringPeer
from protocol.answer_refused import AnswerRefused
from protocol.leaf import ReceiptFacts, Received, Sent, Unanswered, new_salt
from protocol.limits import MAX_HELD_NOTE_CHARS
from protocol.messages import Answer, Denial, Query
from protocol.own_values import stated
from protocol.problems import Code
from protocol.profile import ACK, OFFERS, QUERY
from protocol.sign import SignedRequest
from protocol.tlog_proof import trimmed_proof

ATTEMPTS = 3
PAUSE_S = 0.2
"""Wait before a question that is still being answered is sent again (seconds)."""


NEWER_KEYS_MAY_HELP = frozenset({"key", "receipt"})
"""Refusals of an answer that a newer root document of the partner may cure."""


@dataclass(frozen=True)
class Asking:
    """A question to one collection of a partner, and what its `sent` leaf says beside it.

    `adapter` is the digest of the own map that was applied, None where none was. `opener`: what the
    actor's commitment is opened with (node/federation/actors.py), for the own files alone; None
    where that is not to be kept. `texts`: the question's, where they may be judged; none else.
    `arrivals`: who else is asked the same at the same time.
    """

    query: Query
    adapter: str | None
    opener: str | None = None
    texts: tuple[str, ...] = ()
    arrivals: Arrivals = field(default_factory=Arrivals)


class Exchanger:
    """Speaks to partners for this organisation."""

    def __init__(
        self,
        requests: SignedRequests,
        log: AuditLog,
        clock: Clock,
        peers: PeerBook,
        refresher: Refresher,
        introduce: Callable[[str], Awaitable[bool]],
        heard: Callable[[str, int], None],
        owe: Callable[[int, Received], None],
    ) -> None:
        """`introduce` brings the own documents to a partner; whether it has read them.

        `heard` is told what a partner's clock says (epoch seconds, UTC), `owe` of each answer by
        its `received` leaf and that leaf's index.
        """
        self._requests = requests
        self._log = log
        self._clock = clock
        self._peers = peers
        self._refresher = refresher
        self._introduce = introduce
        self._heard = heard
        self._owe = owe

    async def ask(
        self, peer: Peer, asking: Asking, deadline_s: float
    ) -> AcceptedAnswer | AuthenticatedProblem:
        """Ask one question and return what the partner said, verified and logged.

        Raises TransportError, Unverifiable, or LogUnavailable.
        """
        until = asyncio.get_running_loop().time() + deadline_s
        body = asking.query.encode()
        for attempt in range(1, ATTEMPTS + 1):
            request = self._requests.sign(peer, QUERY, body)
            leaf = self._sent(peer, request, asking)
            await self._log.append(Entry(leaf, content=_kept(body, asking)))
            left = until - asyncio.get_running_loop().time()
            try:
                said = await self._exchange_and_note(peer, request, asking, left)
            except (TransportError, Unverifiable) as error:
                await self._note_unanswered(peer, request, error)
                again = isinstance(error, ConnectionBroke) or await self._is_known_now(peer, error)
                if again and attempt < ATTEMPTS:
                    continue
                raise
            if _under_way(said) and attempt < ATTEMPTS and left > 2 * PAUSE_S:
                await asyncio.sleep(PAUSE_S)
                continue
            return said
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover

    async def offers(self, peer: Peer, deadline_s: float) -> AcceptedAnswer | AuthenticatedProblem:
        """Ask which collections are open; raises as `ask` does."""
        request = self._requests.sign(peer, OFFERS)
        try:
            said = await self._exchange(peer, request, None, deadline_s)
        except Unverifiable as error:
            if not await self._is_known_now(peer, error):
                raise
            request = self._requests.sign(peer, OFFERS)
            said = await self._exchange(peer, request, None, deadline_s)
        await self._note_received(peer, request, None, said)
        return said

    async def acknowledge(self, peer: Peer, body: bytes, deadline_s: float) -> str | None:
        """Bring an acknowledgement, without a leaf here; return a problem code, None if confirmed.

        Raises TransportError or Unverifiable.
        """
        request = self._requests.sign(peer, ACK, body)
        said = await self._exchange(peer, request, None, deadline_s)
        if isinstance(said, AuthenticatedProblem):
            return said.problem.code
        return said.payload.problem.code if isinstance(said.payload, Denial) else None

    async def _is_known_now(self, peer: Peer, error: Exception) -> bool:
        """Whether a partner that did not recognise this node has read its newest keys since."""
        claimed = error.claimed if isinstance(error, Unverifiable) else None
        return claimed == Code.NOT_AUTHENTICATED and await self._introduce(peer.organisation)

    async def _exchange_and_note(
        self, peer: Peer, request: SignedRequest, asking: Asking, deadline_s: float
    ) -> AcceptedAnswer | AuthenticatedProblem:
        """Exchange, and enter what came with answers to the same question that come together."""
        asking.arrivals.left()
        try:
            said = await self._exchange(peer, request, asking.query, deadline_s)
        except BaseException:
            asking.arrivals.lost()
            raise
        try:
            await asking.arrivals.together()
        finally:  # also where whoever asked has gone meanwhile: the answer is here
            await self._note_received(peer, request, asking.query, said)
        return said

    async def _exchange(
        self, peer: Peer, request: SignedRequest, asked: Query | None, deadline_s: float
    ) -> AcceptedAnswer | AuthenticatedProblem:
        seen = self._log.seen(peer.organisation, peer.record.pinned, peer.card.log_origin)
        raw = await self._requests.send(peer, request, max(deadline_s, 0.001))
        try:
            said = await self._accept(peer.organisation, request, asked, raw)
        except Unverifiable as error:
            if error.their_time is not None:
                self._heard(peer.organisation, error.their_time)
            raise
        self._heard(peer.organisation, said.created)
        back = gone_back(seen, said) if isinstance(said, AcceptedAnswer) else None
        if back is not None:
            raise Unverifiable("log-went-back", back)
        return said

    async def _accept(
        self, organisation: str, request: SignedRequest, asked: Query | None, raw: RawAnswer
    ) -> AcceptedAnswer | AuthenticatedProblem:
        """Judge an answer by the keys that are known when it is here, not when it was asked for.

        So a key that was revoked meanwhile is refused; one that is not known yet is looked for.
        """
        peer = self._peers.active(organisation)
        try:
            return accept_answer(request, asked, raw, _answering(peer), self._clock())
        except AnswerRefused as error:
            refused = error
        if refused.reason in NEWER_KEYS_MAY_HELP:
            await self._refresher.refresh(organisation)
            newer = self._peers.active(organisation)
            if newer.root is not peer.root:
                peer = newer
                try:
                    return accept_answer(request, asked, raw, _answering(peer), self._clock())
                except AnswerRefused as error:
                    refused = error

        def accept_at(at: int) -> object:
            return accept_answer(request, asked, raw, _answering(peer), at)

        raise unverifiable(refused, organisation, raw, accept_at, self._clock())

    def _sent(self, peer: Peer, request: SignedRequest, asking: Asking) -> Sent:
        query = asking.query
        return stated(
            Sent,
            at=self._clock(),
            salt=new_salt(),
            peer=peer.organisation,
            query=request.body_digest,
            key=request.binding.kid,
            evidence=request.evidence,
            actor=query.actor,
            purpose=query.purpose,
            agreement=query.agreement,
            collection=query.collection,
            space=query.space,
            granularity=query.granularity,
            k=query.k,
            vectors=query.vectors.n,
            adapter=asking.adapter,
            route=query.route,
        )

    async def _note_received(
        self,
        peer: Peer,
        request: SignedRequest,
        asked: Query | None,
        said: AcceptedAnswer | AuthenticatedProblem,
    ) -> None:
        common: dict[str, Any] = {
            "at": self._clock(),
            "salt": new_salt(),
            "peer": peer.organisation,
            "query": request.body_digest,
            "key": said.kid,
        }
        if isinstance(said, AuthenticatedProblem):
            leaf = stated(
                Received,
                **common,
                decision="denied",
                reason=said.problem.code,
                answer=said.answer_digest,
            )
            await self._log.append(Entry(leaf))
            return
        payload = said.payload
        leaf = stated(
            Received,
            **common,
            decision=said.leaf.decision,
            reason=payload.problem.code if isinstance(payload, Denial) else None,
            purpose=asked.purpose if asked else None,
            collection=asked.collection if asked else None,
            version=payload.version if isinstance(payload, Answer) else None,
            results=_results(payload) if isinstance(payload, Answer) else None,
            answer=said.answer_digest,
            receipt=stated(
                ReceiptFacts,
                origin=said.receipt.checkpoint.origin,
                index=said.receipt.index,
                size=said.receipt.checkpoint.size,
                root="sha256:" + said.receipt.checkpoint.root.hex(),
                leaf=said.leaf_digest,
            ),
        )
        proof = said.proof
        if len(proof) > MAX_HELD_NOTE_CHARS:
            proof = trimmed_proof(proof, _answering(peer).log_keys(self._clock()).ranges)
        kept = KeptReceipt(peer.organisation, said.leaf_bytes, proof)
        seen = seen_with(peer, said, proof)
        shown = isinstance(payload, Answer) and asked is not None
        content = (Content("asked", answer=said.payload_line),) if shown else ()
        entry = Entry(leaf, Effects(receipt=kept, seen=seen), content=content)
        self._owe((await self._log.append(entry)).index, leaf)

    async def _note_unanswered(
        self, peer: Peer, request: SignedRequest, error: TransportError | Unverifiable
    ) -> None:
        reason = error.kind if isinstance(error, TransportError) else f"unverifiable-{error.reason}"
        leaf = Unanswered(
            at=self._clock(), peer=peer.organisation, query=request.body_digest, reason=reason
        )
        await self._log.append(Entry(leaf))


def _under_way(said: AcceptedAnswer | AuthenticatedProblem) -> bool:
    return isinstance(said, AuthenticatedProblem) and said.problem.code == Code.IN_FLIGHT


def _results(answer: Answer) -> int:
    return sum(len(r) if isinstance(r, tuple) else int(r or 0) for r in answer.results)


def _answering(peer: Peer) -> AnsweringPeer:
    return AnsweringPeer(peer.root.ring, peer.card.log_origin, peer.root.log_terms)


def _kept(body: bytes, asking: Asking) -> tuple[Content, ...]:
    """What is kept of an own question."""
    kept = [Content("asked", question=body)]
    if asking.opener is not None:
        kept.append(Content("actor", asking.opener.encode()))
    if asking.texts:
        kept.append(Content("question", orjson.dumps(asking.texts)))
    return tuple(kept)
