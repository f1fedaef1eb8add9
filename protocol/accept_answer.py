"""Accepting an answer, as strictly as a question is accepted.

The rule of this file: `accept_answer` is pure, and what it returns is authentic, belongs to the one
request that was sent, and stands in the partner's log. Anything else is AnswerRefused. The steps
are the protocol's (docs/protocol.md):

1. size and strict parse: body and header fields within their limits, no content encoding, one of
   two content types, each field once.
2. signature parameters: one signature `a` in the profile's form, with the answer's tag and the
   request's nonce.
3. time window, as for requests.
4. coverage: exactly the answer's components, in order.
5. key: it belongs to the organisation that was asked, may sign, is valid and not revoked.
6. signature: it verifies over this answer and the values of the request as it was sent.
7. digest: the body is the one that was signed.
8. content: the three parts, in protocol/answer_content.py; or a problem that comes without a
   receipt, because it is cheap to cause (rate, replay).
"""

from dataclasses import dataclass
from hashlib import sha256

from keys.ring import KeyRecord, KeyRefused
from keys.signer import verify
from protocol.answer_content import AcceptedAnswer, AnsweringPeer, read_content
from protocol.answer_message import ANSWER_TYPE
from protocol.answer_refused import AnswerRefused
from protocol.content_digest import content_digest, is_content_digest
from protocol.header_fields import FieldsMalformed, RawHeaders, read_fields
from protocol.limits import (
    CLOCK_SKEW_S,
    MAX_ANSWER_BYTES,
    MAX_PROBLEM_BYTES,
    MAX_PROBLEM_ITEMS,
    SIGNATURE_LIFETIME_S,
)
from protocol.message_json import build, read_object
from protocol.problems import KINDS, PROBLEM_TYPE, Problem, Refused
from protocol.profile import ANSWER_COVERED, ANSWER_LABEL, ANSWER_TAG
from protocol.query_message import Query
from protocol.sign import SignedRequest
from protocol.signature_input import SignatureFields, SignatureMalformed, parse_signature

_REQUIRED = ("content-type", "content-digest", "signature-input", "signature")
_READ = frozenset(name.encode() for name in (*_REQUIRED, "content-encoding"))
_STANDINGS = {str(code): kind.standing for code, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back: `headers` in wire order, values without surrounding space."""

    status: int
    headers: RawHeaders
    body: bytes


@dataclass(frozen=True, slots=True)
class AuthenticatedProblem:
    """A refusal that the partner signed without logging it, at `created` (epoch seconds, UTC).

    `answer_digest` is its body's.
    """

    kid: str
    problem: Problem
    answer_digest: str
    created: int


def accept_answer(
    request: SignedRequest, asked: Query | None, answer: RawAnswer, peer: AnsweringPeer, at: int
) -> AcceptedAnswer | AuthenticatedProblem:
    """Return what the partner said, or raise AnswerRefused and nothing else.

    `asked` is the question in the request's body, None for an endpoint without one; `at` is now
    (epoch seconds, UTC).
    """
    fields = _read_head(answer)  # step 1
    signature = _read_signature(fields, request)  # step 2
    _check_window(signature, at)  # step 3
    if signature.covered != ANSWER_COVERED:  # step 4
        raise AnswerRefused("coverage", "the signature does not cover exactly what binds an answer")
    key = _find_key(peer, signature, at)  # step 5
    base = request.binding.answer_base(
        answer.status, fields["content-type"], fields["content-digest"], signature.params
    )
    if not verify(key.public, signature.signature, base):  # step 6
        raise AnswerRefused("signature", "the signature does not verify for this question")
    if content_digest(sha256(answer.body).digest()) != fields["content-digest"]:  # step 7
        raise AnswerRefused("digest", "the body is not the one that was signed")
    if fields["content-type"] == PROBLEM_TYPE:  # step 8
        return _read_problem(answer, key.kid, signature.created)
    return read_content(
        request, asked, answer.status, answer.body, key.kid, signature.created, peer, at
    )


def _read_head(answer: RawAnswer) -> dict[str, str]:
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise AnswerRefused("malformed", f"the body has more than {MAX_ANSWER_BYTES} bytes")
    try:
        fields = read_fields(answer.headers, _READ)
    except FieldsMalformed as error:
        raise AnswerRefused("malformed", str(error)) from None
    if "signature" not in fields and "signature-input" not in fields:
        raise AnswerRefused(
            "unsigned", f"status {answer.status} without a signature", _claimed(answer, fields)
        )
    for name in _REQUIRED:
        if name not in fields:
            raise AnswerRefused("malformed", f"the field {name} is missing")
    if "content-encoding" in fields:
        raise AnswerRefused("malformed", "the body has a content encoding")
    if fields["content-type"] not in (ANSWER_TYPE, PROBLEM_TYPE):
        raise AnswerRefused("malformed", "the content type is not an answer's")
    if not is_content_digest(fields["content-digest"]):
        raise AnswerRefused("malformed", "Content-Digest is not one canonical sha-256 digest")
    return fields


def _claimed(answer: RawAnswer, fields: dict[str, str]) -> str | None:
    if fields.get("content-type") != PROBLEM_TYPE:
        return None
    try:
        return build(Problem, read_object(answer.body, MAX_PROBLEM_BYTES, MAX_PROBLEM_ITEMS)).code
    except Refused:
        return None


def _read_signature(fields: dict[str, str], request: SignedRequest) -> SignatureFields:
    try:
        signature = parse_signature(fields["signature-input"], fields["signature"], ANSWER_LABEL)
    except SignatureMalformed as error:
        raise AnswerRefused("malformed", str(error)) from None
    if signature.tag != ANSWER_TAG:
        raise AnswerRefused("malformed", f"the signature's tag is not {ANSWER_TAG}")
    if signature.nonce != request.binding.nonce:
        raise AnswerRefused("signature", "the signature's nonce is not the question's")
    return signature


def _check_window(signature: SignatureFields, at: int) -> None:
    created = signature.created
    if created > at + CLOCK_SKEW_S:
        raise AnswerRefused("time", f"it was made {created - at} s in the future", created=created)
    if signature.expires < at - CLOCK_SKEW_S:
        detail = f"it expired {at - signature.expires} s ago"
        raise AnswerRefused("time", detail, created=created)
    if not 0 < signature.expires - signature.created <= SIGNATURE_LIFETIME_S:
        raise AnswerRefused("time", "it lives for longer than a signature may, or not at all")


def _find_key(peer: AnsweringPeer, signature: SignatureFields, at: int) -> KeyRecord:
    try:
        return peer.ring.usable(signature.kid, "sign", at)
    except KeyRefused as error:
        raise AnswerRefused("key", str(error)) from None


def _read_problem(answer: RawAnswer, kid: str, created: int) -> AuthenticatedProblem:
    try:
        problem = build(Problem, read_object(answer.body, MAX_PROBLEM_BYTES, MAX_PROBLEM_ITEMS))
    except Refused as refused:
        raise AnswerRefused("message", refused.local_detail) from None
    if problem.status != answer.status:
        raise AnswerRefused("mismatch", "the problem's status is not the answer's")
    # A code of a later version is believed; a known one that must have a receipt is not.
    if _STANDINGS.get(problem.code, "unlogged") != "unlogged":
        raise AnswerRefused("receipt", f"{problem.code} must come with a receipt")
    digest = f"sha256:{sha256(answer.body).hexdigest()}"
    return AuthenticatedProblem(kid, problem, digest, created)
