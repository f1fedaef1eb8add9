"""Steps 9 and 10: an authenticated request becomes a question that is worked on, or is turned away.

The rule of this file: what is turned away here is cheap to cause, so it leaves no leaf of its own
and is counted; what is wrong with the question itself is kept with it and ends in a `denied` leaf.
"""

from collections.abc import Callable

from node.federation.budgets import RateTokens
from node.federation.judgement import refusal
from node.federation.ledgers import Ledgers
from node.federation.peers import PeerBook
from node.federation.question import Question
from node.federation.replay import Nonces, NoncesFull
from node.policy.book import PolicyBook
from protocol.accept_query import AcceptedRequest
from protocol.limits import MAX_ACKS_PER_MINUTE, MAX_LOG_READS_PER_MINUTE
from protocol.problems import Code, Refused
from protocol.profile import ACK, QUERY
from protocol.query_message import Query


class Admission:
    """Rate tokens, nonces and questions under way, of all peers."""

    def __init__(
        self,
        peers: PeerBook,
        policy: PolicyBook,
        ledgers: Ledgers,
        nonces: Nonces,
        seconds: Callable[[], float],
    ) -> None:
        self._peers = peers
        self._policy = policy
        self._ledgers = ledgers
        self._nonces = nonces
        self._seconds = seconds
        self._tokens = RateTokens()
        self._read_tokens = RateTokens()
        self._acks = RateTokens()

    def admit(self, accepted: AcceptedRequest, at: int) -> Question:
        """Return the question of a request; raises Refused for what leaves no leaf."""
        peer = accepted.from_
        self._require_active(peer, at)  # step 9
        if accepted.endpoint is ACK:  # of its own: confirming costs no question
            self._take(self._acks, peer, 1, MAX_ACKS_PER_MINUTE, "acknowledgements")
        else:
            self._take_tokens(peer, 1)
        self._record(accepted, at)  # step 10
        reservation = self._ledgers.reservation(peer, at)
        question = Question(accepted, reservation)
        if accepted.endpoint is QUERY:
            self._read(question)
        return question

    def admit_reading(self, accepted: AcceptedRequest, at: int) -> None:
        """Admit a request that reads the log's tree, which ends in no leaf; raises Refused."""
        self._require_active(accepted.from_, at)  # step 9
        per_minute = MAX_LOG_READS_PER_MINUTE
        self._take(self._read_tokens, accepted.from_, 1, per_minute, "checkpoints and tiles")
        self._record(accepted, at)  # step 10

    def _require_active(self, peer: str, at: int) -> None:
        if not self._peers.is_active(peer):
            raise self.inactive(peer, at)

    def _record(self, accepted: AcceptedRequest, at: int) -> None:
        try:
            new = self._nonces.record(
                accepted.from_, accepted.nonce, accepted.forget_nonce_after, at
            )
        except NoncesFull as error:
            raise Refused(Code.BUSY, str(error), authenticated=True) from None
        if not new:
            raise Refused(Code.REPLAYED, "its nonce was seen before", authenticated=True)

    def inactive(self, peer: str, at: int) -> Refused:
        """A paused partner is told so; one that was revoked meanwhile is nobody any more."""
        if self._peers.ring(peer, at) is None:
            return Refused(Code.NOT_AUTHENTICATED, f"{peer} is not a partner")
        return Refused(Code.PEER_INACTIVE, f"{peer} is not active", authenticated=True)

    def _read(self, question: Question) -> None:
        """Read the body and take the question's id; what is wrong is kept for the leaf."""
        try:
            question.query = query = Query.parse(question.accepted.body)
        except Refused as refused:
            question.fault = refused
            return
        if query.vectors.n > 1:
            self._take_tokens(question.peer, query.vectors.n - 1)
        taken = self._ledgers.in_flight.enter(
            question.peer, query.id, question.accepted.body_digest
        )
        if taken == "under way":
            raise Refused(Code.IN_FLIGHT, "the same question is under way", authenticated=True)
        if taken == "other body":
            question.fault = other_question()
        else:
            question.reservation.question = query.id

    def _take_tokens(self, peer: str, n: int) -> None:
        self._take(self._tokens, peer, n, self._policy.current.rate(peer), "vectors")

    def _take(self, tokens: RateTokens, peer: str, n: int, per_minute: int, of: str) -> None:
        if not tokens.take(peer, n, per_minute, self._seconds()):
            detail = f"at most {per_minute} {of} a minute"
            raise Refused(Code.RATE_LIMITED, detail, authenticated=True, detail=detail)


def other_question() -> Refused:
    """Return the refusal of an id that stands for another body."""
    return refusal(
        Code.IDEMPOTENCY_MISMATCH, "this id belongs to another question; take a fresh one"
    )
