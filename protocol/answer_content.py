"""The content of a signed answer: is it about this question, and is it in the partner's log?

The rule of this file: payload, leaf and proof say the same as the request that was sent, or nothing
of it is used. The steps continue those of protocol/accept_answer.py:

9. three parts: payload line, leaf line, proof.
10. payload: a message of the endpoint, for this request's digest, with the status of its decision.
11. question: collection, purpose, route, number of results, k and granularity are those that were
    asked.
12. leaf: of the decision's type, naming this request (digest, key, and the signature with all that
    it covers), the payload's digest, and the question's purpose and terms.
13. receipt: the proof leads from the leaf to a checkpoint that a key of the log signed, one that is
    usable and whose term holds its size.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from keys.ring import KeyRecord, KeyRing
from protocol.acknowledgement import Confirmed
from protocol.answer_alike import plain_answer
from protocol.answer_body import BodyMalformed, split_body
from protocol.answer_message import Answer, Denial
from protocol.answer_refused import AnswerRefused
from protocol.held_message import Held
from protocol.leaf import (
    Acknowledged,
    Answered,
    AnyLeaf,
    Compared,
    Denied,
    Failed,
    Offered,
    Repeated,
    decode_leaf,
)
from protocol.limits import CLOCK_SKEW_S, MAX_ANSWER_BYTES, MAX_ANSWER_ITEMS
from protocol.log_errors import LogMaterialError
from protocol.log_keys import LogKeys
from protocol.log_terms import LogTerm
from protocol.message_json import build, read_object
from protocol.offers_message import Offers
from protocol.problems import Refused
from protocol.profile import ACK, HELD, OFFERS, QUERY
from protocol.query_message import GRANULARITIES, Query
from protocol.sign import SignedRequest
from protocol.tlog_proof import VerifiedReceipt, verify_receipt

OK = 200

Payload = Answer | Denial | Offers | Held | Confirmed
ExchangeLeaf = Answered | Repeated | Denied | Failed | Offered | Compared | Acknowledged

_PAYLOADS: dict[str, type[Answer | Offers | Held | Confirmed]] = {
    QUERY.name: Answer,
    OFFERS.name: Offers,
    HELD.name: Held,
    ACK.name: Confirmed,
}

_LEAVES: dict[tuple[type, str], type[ExchangeLeaf]] = {
    (Answer, "answered"): Answered,
    (Answer, "repeated"): Repeated,
    (Denial, "denied"): Denied,
    (Denial, "error"): Failed,
    (Offers, "answered"): Offered,
    (Held, "answered"): Compared,
    (Confirmed, "answered"): Acknowledged,
}


@dataclass(frozen=True, slots=True)
class AnsweringPeer:
    """Who was asked: keys and terms of log keys in its root document; the log on its card."""

    ring: KeyRing
    log_origin: str
    log_terms: tuple[LogTerm, ...] = ()

    def log_keys(self, at: int) -> LogKeys:
        """The keys that may sign its log, of those that are valid at `at` and not revoked.

        One whose term is stated is valid before its time: it took over under a clock that was fast.
        """
        begun = {term.kid for term in self.log_terms}
        usable = tuple(
            key
            for key in self.ring.records.values()
            if key.purpose == "log"
            and key.kid not in self.ring.revocations
            and (key.not_before <= at or key.kid in begun)
            and at < key.not_after
        )
        return _log_keys(self.log_origin, self.log_terms, usable)


@lru_cache(maxsize=1024)  # one for each partner, until one of its log keys begins or ends
def _log_keys(origin: str, terms: tuple[LogTerm, ...], usable: tuple[KeyRecord, ...]) -> LogKeys:
    keys = LogKeys.of_terms(origin, terms, (key.public for key in usable))
    return keys.only(key.kid for key in usable)


@dataclass(frozen=True, slots=True)
class AcceptedAnswer:
    """An authentic answer with its receipt, signed at `created` (epoch seconds, UTC).

    `payload_line`, `leaf_bytes` and `proof` are the three parts as they came, for an archive and
    for other verifiers; `answer_digest` is the payload line's, `leaf_digest` the leaf's.
    """

    kid: str
    payload: Payload
    payload_line: bytes
    answer_digest: str
    leaf: ExchangeLeaf
    leaf_bytes: bytes
    leaf_digest: str
    proof: bytes
    receipt: VerifiedReceipt
    created: int

    @property
    def repeated(self) -> bool:
        """Whether this is an earlier answer, given again."""
        return isinstance(self.leaf, Repeated)


def read_content(
    request: SignedRequest,
    asked: Query | None,
    status: int,
    body: bytes,
    kid: str,
    created: int,
    peer: AnsweringPeer,
    at: int,
) -> AcceptedAnswer:
    """Return the answer in a body whose signature verified; AnswerRefused otherwise.

    `kid` signed it at `created` (epoch seconds); `at` is now.
    """
    try:
        parts = split_body(body)  # step 9
    except BodyMalformed as error:
        raise AnswerRefused("malformed", str(error)) from None
    payload = _read_payload(parts.payload, request, status)  # step 10
    if asked is not None and isinstance(payload, Answer):
        _check_question(payload, asked)  # step 11
    answer_digest = _digest(parts.payload)
    leaf = _read_leaf(parts.leaf, payload)  # step 12
    _check_exchange(leaf, request, answer_digest, created)
    _check_terms(leaf, payload, asked)
    if isinstance(leaf, Acknowledged) and leaf.message.encode() != request.body:
        raise AnswerRefused("leaf", "the leaf holds another acknowledgement")
    receipt = _check_receipt(parts.leaf, parts.proof, peer, at)  # step 13
    return AcceptedAnswer(
        kid=kid,
        payload=payload,
        payload_line=parts.payload,
        answer_digest=answer_digest,
        leaf=leaf,
        leaf_bytes=parts.leaf,
        leaf_digest=_digest(parts.leaf),
        proof=parts.proof,
        receipt=receipt,
        created=created,
    )


def _read_payload(line: bytes, request: SignedRequest, status: int) -> Payload:
    endpoint = request.binding.endpoint.name
    payload = (plain_answer(line) if endpoint == QUERY.name else None) or _judged(line, endpoint)
    if payload.query != request.body_digest:
        raise AnswerRefused("mismatch", "the payload answers another question")
    if status != (payload.problem.status if isinstance(payload, Denial) else OK):
        raise AnswerRefused("mismatch", f"status {status} does not fit the decision")
    return payload


def _judged(line: bytes, endpoint: str) -> Payload:
    """Judge a payload line from its first byte to its last."""
    try:
        fields = read_object(line, MAX_ANSWER_BYTES, MAX_ANSWER_ITEMS)
        if fields.get("decision") in ("denied", "error"):
            return build(Denial, fields)
        return build(_PAYLOADS[endpoint], fields)
    except Refused as refused:
        raise AnswerRefused("message", refused.local_detail) from None


def _check_question(answer: Answer, asked: Query) -> None:
    if (answer.collection, answer.purpose) != (asked.collection, asked.purpose):
        raise AnswerRefused("mismatch", "the payload names another collection or purpose")
    if asked.route is not None and answer.route.adapter != asked.route:
        raise AnswerRefused("mismatch", "the answer took another route than was asked for")
    if len(answer.results) != asked.vectors.n:
        raise AnswerRefused(
            "mismatch", f"{len(answer.results)} results for {asked.vectors.n} vectors"
        )
    if asked.commitment_key is None and _committed(answer):
        raise AnswerRefused("mismatch", "the answer commits to contents, which nobody asked for")
    if any(_size(result) > asked.k for result in answer.results):
        raise AnswerRefused("mismatch", "a result holds more than k documents")
    if asked.granularity is not None and (
        GRANULARITIES.index(answer.granularity) > GRANULARITIES.index(asked.granularity)
    ):
        raise AnswerRefused("mismatch", "the answer tells more than was asked for")


def _committed(answer: Answer) -> bool:
    lists = (result for result in answer.results if isinstance(result, tuple))
    return any(hit.commitment is not None for hits in lists for hit in hits)


def _size(result: object) -> int:
    if isinstance(result, tuple):
        return len(result)
    return int(result) if isinstance(result, int) else 0


def _read_leaf(raw: bytes, payload: Payload) -> ExchangeLeaf:
    try:
        leaf: AnyLeaf = decode_leaf(raw)
    except LogMaterialError as error:
        raise AnswerRefused("leaf", str(error)) from None
    wanted = _LEAVES.get((type(payload), payload.decision))
    if wanted is None or not isinstance(leaf, wanted):
        raise AnswerRefused("leaf", f"a leaf of type {leaf.type} does not fit the decision")
    return leaf


def _check_exchange(
    leaf: ExchangeLeaf, request: SignedRequest, answer_digest: str, created: int
) -> None:
    if leaf.peer != request.binding.from_ or leaf.key != request.binding.kid:
        raise AnswerRefused("leaf", "the leaf names another asker or key")
    if leaf.query != request.body_digest or leaf.evidence != request.evidence:
        raise AnswerRefused("leaf", "the leaf holds another question")
    if leaf.answer != answer_digest:
        raise AnswerRefused("leaf", "the leaf holds another answer")
    if not request.created - CLOCK_SKEW_S <= leaf.at <= created + CLOCK_SKEW_S:
        raise AnswerRefused("leaf", "the leaf is dated outside this exchange")


def _check_terms(leaf: ExchangeLeaf, payload: Payload, asked: Query | None) -> None:
    if isinstance(payload, Denial):
        if not isinstance(leaf, Denied | Failed) or leaf.reason != payload.problem.code:
            raise AnswerRefused("leaf", "the leaf gives another reason")
        if asked is not None and leaf.purpose not in (None, asked.purpose):
            raise AnswerRefused("leaf", "the leaf names another purpose")
    elif asked is not None and isinstance(leaf, Answered | Repeated):
        logged = (leaf.collection, leaf.purpose, leaf.space, leaf.k, leaf.vectors, leaf.actor)
        terms = (asked.collection, asked.purpose, asked.space, asked.k, asked.vectors.n)
        if logged != (*terms, asked.actor):
            raise AnswerRefused("leaf", "the leaf holds other terms than the question")


def _check_receipt(leaf: bytes, proof: bytes, peer: AnsweringPeer, at: int) -> VerifiedReceipt:
    try:
        return verify_receipt(leaf, proof, peer.log_keys(at), peer.log_origin)
    except LogMaterialError as error:
        raise AnswerRefused("receipt", f"{error.reason}: {error}") from None


def _digest(raw: bytes) -> str:
    return f"sha256:{sha256(raw).hexdigest()}"
