"""What a partner signs is still held against the question, the leaf and the partner's own log."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from keys.ring import KeyRecord, KeyRing
from protocol.accept_answer import RawAnswer, accept_answer
from protocol.answer_body import write_body
from protocol.answer_content import AcceptedAnswer, AnsweringPeer
from protocol.answer_refused import AnswerRefused
from protocol.canonical import digest
from protocol.leaf import Leaf, Started
from protocol.log_terms import LogTerm
from protocol.messages import Answer, Denial, Hit, Offers, Problem, Query, RouteReport
from protocol.problems import Code
from protocol.sign import SignedRequest
from protocol.vectors import encode
from tests.protocol.exchange import (
    AT,
    HOSPITAL_LOG,
    HOSPITAL_RING,
    HOSPITAL_SIGN,
    LOG_ORIGIN,
    PEER,
    QUESTION,
    SHARED_SPACE,
    STRANGER,
    answer,
    answered,
    denial,
    leaf_of,
    offers,
    proof_of,
    question,
    signed,
    signed_offers,
    signed_raw_answer,
)

REQUEST = signed()
COMMITMENT = "A" * 22
OTHER = signed(question(id="B" * 21 + "A").encode())


def reason_of(
    raw: RawAnswer,
    asked: Query | None = QUESTION,
    request: SignedRequest = REQUEST,
    peer: AnsweringPeer = PEER,
) -> str:
    with pytest.raises(AnswerRefused) as caught:
        accept_answer(request, asked, raw, peer, AT)
    return caught.value.reason


def about(payload: Answer | Denial | Offers, leaf: Leaf, status: int = 200) -> RawAnswer:
    raw = leaf.encode()
    return signed_raw_answer(REQUEST, write_body(payload.encode(), raw, proof_of(raw)), status)


PAYLOADS: dict[str, Answer] = {
    "another question": answer(query=digest(b"another")),
    "another collection": answer(collection="notes"),
    "another purpose": answer(purpose="marketing"),
    "too many results": answer(results=[[], []]),
    "too many documents": answer(results=[[Hit(ref=f"r{i}", bin=1) for i in range(4)]]),
    "too high a count": answer(
        granularity="count", bin_width_milli=None, score_space=None, results=[4]
    ),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_that_does_not_fit_the_question_is_refused(name: str) -> None:
    assert reason_of(answered(REQUEST, PAYLOADS[name])) == "mismatch"


def test_an_answer_tells_no_more_than_was_asked_for() -> None:
    modest = question(granularity="count")
    request = signed(modest.encode())
    honest = answer(
        query=request.body_digest,
        granularity="boolean",
        bin_width_milli=None,
        score_space=None,
        results=[True],
    )
    assert accept_answer(request, modest, answered(request, honest), PEER, AT)
    telling = answer(query=request.body_digest)
    assert reason_of(answered(request, telling), modest, request) == "mismatch"


def test_an_answer_takes_the_route_that_was_asked_for() -> None:
    adapter = digest(b"adapter")
    asked = question(route=adapter)
    request = signed(asked.encode())
    by_it = answer(query=request.body_digest, route=RouteReport(kind="ridge", adapter=adapter))
    assert accept_answer(request, asked, answered(request, by_it), PEER, AT)
    otherwise = answer(query=request.body_digest)
    assert reason_of(answered(request, otherwise), asked, request) == "mismatch"


def test_a_batch_has_one_result_a_vector() -> None:
    both = question(vectors=encode(np.eye(4, dtype=np.float32)[:2]))
    request = signed(both.encode())
    two = answer(query=request.body_digest, results=[[], [Hit(ref="a", bin=1)]])
    assert accept_answer(request, both, answered(request, two, asked=both), PEER, AT)
    one = answer(query=request.body_digest)
    assert reason_of(answered(request, one, asked=both), both, request) == "mismatch"


def test_the_status_is_that_of_the_decision() -> None:
    good = leaf_of(REQUEST, answer())
    assert reason_of(about(answer(), good, 206)) == "mismatch"
    denied = leaf_of(REQUEST, denial())
    assert reason_of(about(denial(), denied, 200)) == "mismatch"
    assert reason_of(about(denial(), denied, 429)) == "mismatch"


LEAVES: dict[str, dict[str, Any]] = {
    "another partner": {"peer": "bank.example"},
    "another question": {"query": digest(b"another")},
    "another answer": {"answer": digest(b"another")},
    "another key": {"key": STRANGER.kid},
    "another signature": {"evidence": OTHER.evidence},
    "another purpose": {"purpose": "marketing"},
    "another collection": {"collection": "notes"},
    "another space": {"space": SHARED_SPACE},
    "another k": {"k": 2},
    "another batch": {"vectors": 2},
    "another person": {"actor": "somebody"},
    "an earlier time": {"at": AT - 31},
    "a later time": {"at": AT + 31},
}


@pytest.mark.parametrize("name", LEAVES)
def test_the_leaf_holds_this_exchange(name: str) -> None:
    assert reason_of(answered(REQUEST, answer(), **LEAVES[name])) == "leaf"


def test_a_commitment_to_contents_that_nobody_asked_for_is_refused() -> None:
    hits = [[Hit(ref="r", bin=3, commitment=COMMITMENT)]]
    assert reason_of(answered(REQUEST, answer(results=hits))) == "mismatch"
    asked = question(commitment_key=COMMITMENT)
    request = signed(asked.encode())
    payload = answer(query=request.body_digest, results=hits)
    assert accept_answer(request, asked, answered(request, payload), PEER, AT)


def test_the_persons_commitment_is_in_the_leaf() -> None:
    asked = question(actor="commitment")
    request = signed(asked.encode())
    payload = answer(query=request.body_digest)
    assert accept_answer(request, asked, answered(request, payload, actor="commitment"), PEER, AT)
    assert reason_of(answered(request, payload), asked, request) == "leaf"


@pytest.mark.parametrize(
    ("payload", "logged"),
    [
        (answer(), answer(decision="repeated")),
        (answer(decision="repeated"), answer()),
        (answer(), denial()),
        (denial(), denial(Code.SEARCH_FAILED)),
        (denial(), denial(Code.BUDGET_EXHAUSTED)),
    ],
    ids=["repeated", "not repeated", "denied", "failed", "another reason"],
)
def test_the_leafs_decision_is_the_payloads(
    payload: Answer | Denial, logged: Answer | Denial
) -> None:
    leaf = leaf_of(REQUEST, logged, answer=digest(payload.encode()))
    status = payload.problem.status if isinstance(payload, Denial) else 200
    assert reason_of(about(payload, leaf, status)) == "leaf"


def test_a_denials_purpose_is_the_questions_where_it_could_be_read() -> None:
    assert reason_of(answered(REQUEST, denial(), purpose="marketing")) == "leaf"
    unread = denial(Code.MESSAGE_INVALID)
    raw = answered(REQUEST, unread, purpose=None, collection=None, space=None, k=None)
    assert accept_answer(REQUEST, QUESTION, raw, PEER, AT)


def test_offers_answer_a_request_for_offers_and_nothing_else() -> None:
    request = signed_offers()
    assert reason_of(answered(request, answer(query=digest(b""))), None, request) == "message"
    assert reason_of(answered(REQUEST, offers(query=REQUEST.body_digest))) == "message"
    moved = leaf_of(REQUEST, answer(), query=digest(b""), evidence=request.evidence)
    payload = offers()
    raw = moved.encode()
    body = write_body(payload.encode(), raw, proof_of(raw))
    assert reason_of(signed_raw_answer(request, body), None, request) == "leaf"


def test_another_kind_of_leaf_is_refused() -> None:
    start = Started(at=AT, origin="x", key=HOSPITAL_SIGN.kid, size=0, software="s")
    assert reason_of(about(answer(), start)) == "leaf"


@pytest.mark.parametrize("leaf", [b"{}", b"\xff", b'{"v":1,"type":"none"}', b" "])
def test_bytes_that_are_no_leaf_are_refused(leaf: bytes) -> None:
    body = write_body(answer().encode(), leaf, proof_of(leaf))
    assert reason_of(signed_raw_answer(REQUEST, body)) == "leaf"


def with_proof(proof: bytes) -> RawAnswer:
    leaf = leaf_of(REQUEST, answer()).encode()
    return signed_raw_answer(REQUEST, write_body(answer().encode(), leaf, proof))


def test_the_proof_leads_from_the_leaf_to_the_partners_log() -> None:
    leaf = leaf_of(REQUEST, answer()).encode()
    assert isinstance(
        accept_answer(REQUEST, QUESTION, with_proof(proof_of(leaf)), PEER, AT), AcceptedAnswer
    )
    for proof in (
        proof_of(leaf + b"!"),
        proof_of(leaf, index=0),
        proof_of(leaf, signer=STRANGER),
        proof_of(leaf, signer=HOSPITAL_SIGN),
        proof_of(leaf, origin="hospital.example/other"),
        proof_of(leaf)[:-1],
        b"no proof",
    ):
        assert reason_of(with_proof(proof)) == "receipt"


def test_the_logs_key_must_be_a_log_key_that_is_valid() -> None:
    leaf = leaf_of(REQUEST, answer()).encode()
    raw = with_proof(proof_of(leaf))
    sign_only = KeyRing([HOSPITAL_RING.records[HOSPITAL_SIGN.kid]])
    assert reason_of(raw, peer=replace(PEER, ring=sign_only)) == "receipt"
    expired = KeyRing(
        [
            HOSPITAL_RING.records[HOSPITAL_SIGN.kid],
            KeyRecord.of(HOSPITAL_LOG.public, "log", 0, AT),
        ]
    )
    assert reason_of(raw, peer=replace(PEER, ring=expired)) == "receipt"
    assert reason_of(raw, peer=replace(PEER, log_origin="other.example/log")) == "receipt"


def test_the_logs_key_signs_nothing_beyond_its_term_though_it_is_valid() -> None:
    leaf = leaf_of(REQUEST, answer()).encode()
    raw = with_proof(proof_of(leaf))
    said = accept_answer(REQUEST, QUESTION, raw, PEER, AT)
    assert isinstance(said, AcceptedAnswer)
    size = said.receipt.checkpoint.size
    for end, counts in ((size, True), (size - 1, False)):
        terms = (
            LogTerm.of(LOG_ORIGIN, HOSPITAL_LOG.public, 0, end),
            LogTerm.of(LOG_ORIGIN, STRANGER.public, end, None),
        )
        peer = replace(PEER, log_terms=terms)
        if counts:
            assert isinstance(accept_answer(REQUEST, QUESTION, raw, peer, AT), AcceptedAnswer)
            continue
        with pytest.raises(AnswerRefused, match=f"beyond-term.*{HOSPITAL_LOG.kid}.* to {end}"):
            accept_answer(REQUEST, QUESTION, raw, peer, AT)


def test_a_log_key_that_took_over_too_soon_counts_once_its_term_is_stated() -> None:
    """A clock that was fast let it; the log cannot go back to the key before."""
    leaf = leaf_of(REQUEST, answer()).encode()
    raw = with_proof(proof_of(leaf))
    early = KeyRecord.of(HOSPITAL_LOG.public, "log", AT + 3600, 2**40)
    ring = KeyRing([HOSPITAL_RING.records[HOSPITAL_SIGN.kid], early])
    assert reason_of(raw, peer=replace(PEER, ring=ring)) == "receipt"
    terms = (
        LogTerm.of(LOG_ORIGIN, STRANGER.public, 0, 1),
        LogTerm.of(LOG_ORIGIN, HOSPITAL_LOG.public, 1, None),
    )
    peer = replace(PEER, ring=ring, log_terms=terms)
    assert isinstance(accept_answer(REQUEST, QUESTION, raw, peer, AT), AcceptedAnswer)


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b"[]",
        b"\xff",
        b'{"decision":"denied"}',
        answer().encode().replace(b'"v":1', b'"v":2'),
        answer().encode().replace(b'"epoch":7', b'"epoch":7,"more":1'),
        answer().encode().replace(b'"epoch":7', b'"epoch":7,"epoch":7'),
        answer().encode().replace(b'"bin":17', b'"bin":17.5'),
        answer().encode().replace(b'"bin":17', b'"bin":NaN'),
        answer().encode().replace(b'"answered"', b'"maybe"'),
    ],
)
def test_a_payload_that_is_no_message_is_refused(payload: bytes) -> None:
    leaf = leaf_of(REQUEST, answer()).encode()
    body = write_body(payload, leaf, proof_of(leaf))
    assert reason_of(signed_raw_answer(REQUEST, body)) == "message"


def test_a_body_of_fewer_parts_is_refused() -> None:
    assert reason_of(signed_raw_answer(REQUEST, answer().encode())) == "malformed"
    assert reason_of(signed_raw_answer(REQUEST, Problem.of(Code.BUSY).encode())) == "malformed"
