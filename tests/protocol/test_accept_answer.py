"""Acceptance of answers: as strict as for questions, and never data that does not verify."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.ring import KeyRecord, KeyRing, Revocation
from protocol.accept_answer import AuthenticatedProblem, RawAnswer, accept_answer
from protocol.answer_content import AcceptedAnswer, AnsweringPeer
from protocol.answer_message import Answer, Denial
from protocol.answer_refused import AnswerRefused
from protocol.canonical import digest
from protocol.leaf import Answered, Denied, Failed, Offered
from protocol.messages import Offers
from protocol.problems import KINDS, PROBLEM_TYPE, Code, Problem
from protocol.profile import ANSWER_COMPONENTS, ANSWER_COVERED
from protocol.sign import SignedRequest
from tests.protocol.answer_changes import CHANGED, REQUEST, SIGNED, added, without
from tests.protocol.exchange import (
    AT,
    CLINIC_SIGN,
    HOSPITAL_RING,
    HOSPITAL_SIGN,
    LOG_ORIGIN,
    PEER,
    QUESTION,
    STRANGER,
    answer,
    answered,
    denial,
    offers,
    question,
    signed,
    signed_offers,
    signed_raw_answer,
)
from tests.protocol.resign import header, parameters_of, resign_answer

GOOD = answered(REQUEST, answer())
FIELDS = ("Content-Type", "Content-Digest", "Signature-Input", "Signature")


def reason_of(
    raw: RawAnswer,
    request: SignedRequest = REQUEST,
    peer: AnsweringPeer = PEER,
    at: int = AT,
) -> str:
    with pytest.raises(AnswerRefused) as caught:
        accept_answer(request, QUESTION, raw, peer, at)
    return caught.value.reason


def accepted(raw: RawAnswer, request: SignedRequest = REQUEST) -> AcceptedAnswer:
    result = accept_answer(request, QUESTION, raw, PEER, AT)
    assert isinstance(result, AcceptedAnswer)
    return result


def test_an_answer_is_accepted_with_its_receipt() -> None:
    result = accepted(GOOD)
    assert result.payload == answer()
    assert result.kid == HOSPITAL_SIGN.kid
    assert isinstance(result.leaf, Answered)
    assert result.leaf.answer == result.answer_digest == digest(answer().encode())
    assert result.leaf_digest == digest(result.leaf.encode())
    assert (result.receipt.index, result.receipt.checkpoint.origin) == (1, LOG_ORIGIN)
    assert not result.repeated


def test_an_earlier_answer_may_be_given_again_and_says_so() -> None:
    assert accepted(answered(REQUEST, answer(decision="repeated"))).repeated


def test_a_denial_and_an_error_come_with_their_receipt() -> None:
    denied = accepted(answered(REQUEST, denial()))
    assert isinstance(denied.leaf, Denied)
    assert isinstance(denied.payload, Denial)
    assert denied.payload.problem.rule == "purpose"
    failed = accepted(answered(REQUEST, denial(Code.SEARCH_FAILED)))
    assert isinstance(failed.leaf, Failed)


def test_offers_come_with_their_receipt() -> None:
    request = signed_offers()
    result = accept_answer(request, None, answered(request, offers()), PEER, AT)
    assert isinstance(result, AcceptedAnswer)
    assert isinstance(result.payload, Offers)
    assert isinstance(result.leaf, Offered)


def test_a_cheap_refusal_needs_no_receipt() -> None:
    body = Problem.of(Code.RATE_LIMITED).encode()
    raw = signed_raw_answer(REQUEST, body, 429, PROBLEM_TYPE)
    result = accept_answer(REQUEST, QUESTION, raw, PEER, AT)
    assert result == AuthenticatedProblem(
        HOSPITAL_SIGN.kid, Problem.of(Code.RATE_LIMITED), digest(body), AT
    )


@pytest.mark.parametrize("code", [c for c in Code if KINDS[c].standing != "unlogged"])
def test_a_refusal_that_must_be_logged_is_not_believed_without_its_receipt(code: Code) -> None:
    problem = Problem.of(code)
    raw = signed_raw_answer(REQUEST, problem.encode(), problem.status, PROBLEM_TYPE)
    assert reason_of(raw) == "receipt"


def test_a_later_versions_code_is_believed() -> None:
    body = b'{"type":"urn:interlingua:problem:new","title":"New","status":418,"code":"new"}'
    raw = signed_raw_answer(REQUEST, body, 418, PROBLEM_TYPE)
    assert isinstance(accept_answer(REQUEST, QUESTION, raw, PEER, AT), AuthenticatedProblem)


@pytest.mark.parametrize("at", [AT - 30, AT + 90])
def test_the_window_is_that_of_requests(at: int) -> None:
    assert accept_answer(REQUEST, QUESTION, GOOD, PEER, at)


@pytest.mark.parametrize("at", [AT - 31, AT + 91])
def test_a_stale_answer_is_refused(at: int) -> None:
    assert reason_of(GOOD, at=at) == "time"


@pytest.mark.parametrize("name", CHANGED)
def test_every_covered_item_is_protected(name: str) -> None:
    change, reason = CHANGED[name]
    assert reason_of(change(GOOD)) == reason


@pytest.mark.parametrize("name", SIGNED)
def test_a_valid_key_does_not_excuse_another_profile(name: str) -> None:
    change, reason = SIGNED[name]
    assert reason_of(change(GOOD)) == reason


def test_signing_anew_what_was_signed_gives_the_same_message() -> None:
    assert resign_answer(GOOD, REQUEST) == GOOD


@pytest.mark.parametrize("component", ANSWER_COMPONENTS, ids=str)
def test_no_component_may_be_left_out(component: object) -> None:
    names = [str(c) for c in ANSWER_COMPONENTS if c != component]
    assert reason_of(resign_answer(GOOD, REQUEST, identifiers=names)) == "coverage"


@pytest.mark.parametrize("name", ["created", "keyid", "alg", "expires", "nonce", "tag"])
def test_no_parameter_may_be_left_out(name: str) -> None:
    parameters = parameters_of(header(GOOD, "signature-input"))
    del parameters[name]
    assert reason_of(resign_answer(GOOD, REQUEST, parameters)) == "malformed"


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_stands_there_exactly_once(name: str) -> None:
    assert reason_of(without(name)(GOOD)) == "malformed"
    for spelling in (name, name.upper()):
        assert reason_of(added(spelling, header(GOOD, name))(GOOD)) == "malformed"


# The same answer, moved to another request that differs in one item the answer must repeat.
OTHERS: dict[str, SignedRequest] = {
    "authority": signed(authority="hospital.example"),
    "content-digest": signed(question(k=4).encode()),
    "interlingua-from": signed(from_="bank.example"),
    "interlingua-to": signed(to="bank.example"),
    "created": signed(at=AT + 1),
    "keyid": signed(signer=STRANGER),
    "nonce": signed(nonce=b"x" * 16),
    "method and path": signed_offers(),
}


@pytest.mark.parametrize("name", OTHERS)
def test_an_answer_belongs_to_one_request(name: str) -> None:
    assert reason_of(GOOD, OTHERS[name]) == "signature"


def test_an_answer_is_bound_by_more_than_the_requests_signature() -> None:
    other = signed(question(k=4).encode())
    grafted = replace(
        other,
        binding=replace(
            other.binding,
            signature=REQUEST.binding.signature,
            params=REQUEST.binding.params,
        ),
    )
    assert reason_of(GOOD, grafted) == "signature"


def test_a_request_signature_is_no_answer() -> None:
    headers = [(n.encode(), v.encode()) for n, v in REQUEST.headers]
    reflected = RawAnswer(200, headers, REQUEST.body)
    assert reason_of(reflected) == "malformed"


RINGS = {
    "without the key": KeyRing([]),
    "revoked": KeyRing(HOSPITAL_RING.records.values(), [Revocation(HOSPITAL_SIGN.kid, AT, "lost")]),
    "another purpose": KeyRing([KeyRecord.of(HOSPITAL_SIGN.public, "card", 0, AT * 2)]),
    "expired": KeyRing([KeyRecord.of(HOSPITAL_SIGN.public, "sign", 0, AT)]),
}


@pytest.mark.parametrize("name", RINGS)
def test_a_key_that_may_not_sign_for_the_partner_is_refused(name: str) -> None:
    assert reason_of(GOOD, peer=replace(PEER, ring=RINGS[name])) == "key"


def test_the_asker_does_not_answer_itself() -> None:
    forged = signed_raw_answer(REQUEST, GOOD.body, signer=CLINIC_SIGN)
    assert reason_of(forged) == "key"


def test_an_unsigned_refusal_says_what_it_claims_and_is_not_believed() -> None:
    body = Problem.of(Code.OUTSIDE_TIME_WINDOW).encode()
    page = RawAnswer(400, [(b"content-type", PROBLEM_TYPE.encode())], body)
    with pytest.raises(AnswerRefused) as caught:
        accept_answer(REQUEST, QUESTION, page, PEER, AT)
    assert (caught.value.reason, caught.value.claimed) == ("unsigned", "outside-time-window")
    html = RawAnswer(502, [(b"content-type", b"text/html")], b"<html>")
    with pytest.raises(AnswerRefused) as caught:
        accept_answer(REQUEST, QUESTION, html, PEER, AT)
    assert (caught.value.reason, caught.value.claimed) == ("unsigned", None)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"\xff", b"[]", Problem.of(Code.BUSY).encode()[:-1], b"{" * 10_000],
)
def test_a_signed_problem_must_be_one(body: bytes) -> None:
    assert reason_of(signed_raw_answer(REQUEST, body, 503, PROBLEM_TYPE)) == "message"


def test_a_problems_status_is_the_answers() -> None:
    body = Problem.of(Code.BUSY).encode()
    assert reason_of(signed_raw_answer(REQUEST, body, 429, PROBLEM_TYPE)) == "mismatch"


def test_the_covered_components_are_those_of_the_design() -> None:
    assert ANSWER_COVERED == (
        '"@status" "content-type" "content-digest" "@method";req "@authority";req "@path";req '
        '"@query";req "content-digest";req "interlingua-from";req "interlingua-to";req '
        '"signature-input";req;key="q" "signature";req;key="q"'
    )


_BYTES = st.binary(max_size=80)


def accepts_or_refuses(raw: RawAnswer) -> None:
    """The invariant: an authentic answer, or one named refusal, never another exception."""
    try:
        result = accept_answer(REQUEST, QUESTION, raw, PEER, AT)
    except AnswerRefused:
        return
    assert raw.body == GOOD.body
    assert isinstance(result, AcceptedAnswer)


@given(
    status=st.integers(100, 599),
    headers=st.lists(
        st.tuples(st.one_of(st.sampled_from([n.encode() for n in FIELDS]), _BYTES), _BYTES),
        max_size=8,
    ),
    body=_BYTES,
)
def test_anything_at_all_is_accepted_or_refused(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    accepts_or_refuses(RawAnswer(status, headers, body))


@given(body=st.binary(max_size=300), status=st.sampled_from([200, 400, 403, 429]))
def test_any_body_that_the_partner_signs_is_accepted_or_refused(body: bytes, status: int) -> None:
    accepts_or_refuses(signed_raw_answer(REQUEST, body, status))
    accepts_or_refuses(signed_raw_answer(REQUEST, body, status, PROBLEM_TYPE))


@given(at=st.integers(0, 4000), drop=st.integers(0, 3), insert=st.binary(max_size=3))
@settings(max_examples=200)
def test_any_small_change_that_the_partner_signs_is_refused(
    at: int, drop: int, insert: bytes
) -> None:
    at %= len(GOOD.body) + 1
    body = GOOD.body[:at] + insert + GOOD.body[at + drop :]
    if body != GOOD.body:
        reason_of(signed_raw_answer(REQUEST, body))


def test_the_answer_of_the_exchange_is_an_answer() -> None:
    assert Answer.parse(answer().encode()) == answer()
