"""Acceptance of requests: what the profile says is accepted, and every single change is refused."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import protocol.accept_query
from keys.ring import KeyRecord, KeyRing, Revocation
from keys.signer import verify
from protocol.accept_query import RawRequest, ReceiverContext, accept, sender_of
from protocol.canonical import digest
from protocol.problems import Code, Refused
from protocol.profile import OFFERS, QUERY
from tests.protocol.exchange import (
    AT,
    AUTHORITY,
    CLINIC,
    CLINIC_RING,
    CLINIC_SIGN,
    NONCE,
    QUESTION,
    RECEIVER,
    STRANGER,
    received,
    signed,
    signed_offers,
)
from tests.protocol.request_changes import (
    CHANGED,
    MALFORMED,
    SIGNATURE_FORM,
    SIGNED,
    added,
    field,
    without,
)
from tests.protocol.resign import header, parameters_of, resign_request

SENT = received(signed())
COVERED_FIELDS = ("Content-Type", "Content-Digest", "Interlingua-From", "Interlingua-To")
READ_FIELDS = (*COVERED_FIELDS, "Signature-Input", "Signature")


def code_of(raw: RawRequest, receiver: ReceiverContext = RECEIVER, at: int = AT) -> Code:
    with pytest.raises(Refused) as caught:
        accept(raw, receiver, at)
    assert not caught.value.authenticated
    assert caught.value.problem().detail is None
    return caught.value.code


def test_who_signed_is_known_before_the_body_has_come() -> None:
    assert sender_of(replace(SENT, body=b""), RECEIVER, AT) == CLINIC


def test_before_the_body_has_come_nobody_else_is_taken_for_a_partner() -> None:
    head = replace(SENT, body=b"")
    for broken in (
        replace(head, authority="elsewhere.example"),
        without("Signature")(head),
        received(signed(signer=STRANGER)),
    ):
        with pytest.raises(Refused):
            sender_of(replace(broken, body=b""), RECEIVER, AT)
    with pytest.raises(Refused):
        sender_of(head, RECEIVER, AT + 3600)


def test_a_signed_question_is_accepted() -> None:
    request = signed()
    accepted = accept(received(request), RECEIVER, AT)
    assert accepted.binding == request.binding
    assert (accepted.from_, accepted.kid) == (CLINIC, CLINIC_SIGN.kid)
    assert accepted.endpoint is QUERY
    assert accepted.body == QUESTION.encode()
    assert accepted.body_digest == digest(QUESTION.encode()) == request.body_digest
    assert (accepted.created, accepted.expires) == (AT, AT + 60)
    assert accepted.forget_nonce_after == AT + 90
    accepted.evidence.check(CLINIC_SIGN.kid)


def test_a_request_without_a_body_covers_the_digest_of_no_bytes() -> None:
    request = signed_offers()
    accepted = accept(received(request), RECEIVER, AT)
    assert accepted.endpoint is OFFERS
    assert accepted.body_digest == digest(b"")
    assert "content-type" not in {name.lower() for name, _ in request.headers}
    accepted.evidence.check(CLINIC_SIGN.kid)


@pytest.mark.parametrize("at", [AT - 30, AT, AT + 60, AT + 90])
def test_the_window_is_open_from_skew_before_to_skew_after(at: int) -> None:
    assert accept(SENT, RECEIVER, at).nonce


@pytest.mark.parametrize("at", [AT - 31, AT + 91])
def test_outside_the_window_nothing_is_accepted(at: int) -> None:
    assert code_of(SENT, at=at) is Code.OUTSIDE_TIME_WINDOW


def test_the_order_and_the_case_of_header_names_do_not_matter() -> None:
    headers = [(name.upper(), value) for name, value in reversed(list(SENT.headers))]
    assert accept(replace(SENT, headers=headers), RECEIVER, AT)


def test_fields_that_no_signature_covers_are_not_looked_at() -> None:
    noise = added("X-Forwarded-For", "203.0.113.7")
    assert accept(noise(added("Via", "1.1 proxy")(SENT)), RECEIVER, AT)


@pytest.mark.parametrize("name", CHANGED)
def test_every_covered_item_is_protected(name: str) -> None:
    change, code = CHANGED[name]
    assert code_of(change(SENT)) is code


@pytest.mark.parametrize("name", MALFORMED)
def test_every_field_has_one_form(name: str) -> None:
    change, code = MALFORMED[name]
    assert code_of(change(SENT)) is code


@pytest.mark.parametrize("name", SIGNATURE_FORM)
def test_the_signature_has_one_form(name: str) -> None:
    change, code = SIGNATURE_FORM[name]
    assert code_of(change(SENT)) is code


@pytest.mark.parametrize("name", SIGNED)
def test_a_valid_key_does_not_excuse_another_profile(name: str) -> None:
    change, code = SIGNED[name]
    assert code_of(change(SENT)) is code


def test_signing_anew_what_was_signed_gives_the_same_message() -> None:
    assert resign_request(SENT) == SENT


def test_stray_bits_in_the_signature_are_refused() -> None:
    spelled = header(SENT, "signature")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = spelled[-4]
    other = alphabet[alphabet.index(last) + 1]
    twin = f"{spelled[:-4]}{other}==:"
    assert base64.b64decode(twin[3:-1]) == base64.b64decode(spelled[3:-1])
    assert code_of(field("signature", twin)(SENT)) is Code.SIGNATURE_MALFORMED


@pytest.mark.parametrize("name", ["created", "keyid", "alg", "expires", "nonce", "tag"])
def test_no_parameter_may_be_left_out(name: str) -> None:
    parameters = parameters_of(header(SENT, "signature-input"))
    del parameters[name]
    assert code_of(resign_request(SENT, parameters)) is Code.SIGNATURE_MALFORMED


@pytest.mark.parametrize("name", ["created", "keyid", "alg", "expires", "nonce", "tag"])
def test_no_parameter_may_stand_elsewhere_or_twice(name: str) -> None:
    parameters = parameters_of(header(SENT, "signature-input"))
    moved = {name: parameters[name]} | parameters
    if list(moved) == list(parameters):
        moved = dict(reversed(list(parameters.items())))
    assert code_of(resign_request(SENT, moved)) is Code.SIGNATURE_MALFORMED
    value = parameters[name]
    spelled = f'"{value}"' if isinstance(value, str) else str(value)
    twice = field("signature-input", f"{header(SENT, 'signature-input')};{name}={spelled}")
    assert code_of(twice(SENT)) is Code.SIGNATURE_MALFORMED


@pytest.mark.parametrize("name", [str(c).strip('"') for c in QUERY.components])
def test_no_component_may_be_left_out(name: str) -> None:
    names = [str(c) for c in QUERY.components if str(c) != f'"{name}"']
    assert code_of(resign_request(SENT, identifiers=names)) is Code.SIGNATURE_COVERAGE


@pytest.mark.parametrize("name", READ_FIELDS)
def test_every_field_stands_there_exactly_once(name: str) -> None:
    content = name == "Content-Type"
    missing = Code.UNSUPPORTED_MEDIA_TYPE if content else Code.MALFORMED_REQUEST
    assert code_of(without(name)(SENT)) is missing
    for spelling in (name, name.lower(), name.upper()):
        assert code_of(added(spelling, header(SENT, name))(SENT)) is Code.MALFORMED_REQUEST


def test_a_request_without_a_body_takes_none() -> None:
    raw = received(signed_offers())
    assert code_of(replace(raw, body=b"{}")) is Code.MALFORMED_REQUEST
    assert code_of(replace(raw, query="x")) is Code.MALFORMED_REQUEST
    with_type = [f'"{n}"' for n in ("@method", "@authority", "@path", "@query", "content-type")]
    typed = added("Content-Type", "application/json")(raw)
    assert accept(typed, RECEIVER, AT)
    assert code_of(resign_request(typed, identifiers=with_type)) is Code.SIGNATURE_COVERAGE


def test_a_request_does_not_pass_at_another_endpoint() -> None:
    moved = replace(received(signed_offers()), method="POST", path=QUERY.path)
    assert code_of(moved) is Code.UNSUPPORTED_MEDIA_TYPE
    typed = added("Content-Type", "application/json")(moved)
    assert code_of(typed) is Code.SIGNATURE_MALFORMED


def test_a_relayed_request_is_refused_at_every_other_address() -> None:
    two = replace(RECEIVER, authorities=frozenset({AUTHORITY, "other.example"}))
    assert code_of(replace(SENT, authority="other.example"), two) is Code.NOT_AUTHENTICATED
    bank = ReceiverContext("bank.example", RECEIVER.authorities, RECEIVER.sender_ring)
    assert code_of(SENT, bank) is Code.NOT_AUTHENTICATED
    elsewhere = received(signed(authority="other.example"))
    assert code_of(elsewhere) is Code.NOT_AUTHENTICATED
    assert accept(elsewhere, two, AT)


RINGS = {
    "unknown": None,
    "without the key": KeyRing([]),
    "revoked": KeyRing(CLINIC_RING.records.values(), [Revocation(CLINIC_SIGN.kid, AT, "lost")]),
    "another purpose": KeyRing([KeyRecord.of(CLINIC_SIGN.public, "card", 0, AT * 2)]),
    "early": KeyRing([KeyRecord.of(CLINIC_SIGN.public, "sign", AT + 1, AT * 2)]),
    "expired": KeyRing([KeyRecord.of(CLINIC_SIGN.public, "sign", 0, AT)]),
}


@pytest.mark.parametrize("name", RINGS)
def test_a_key_that_may_not_sign_for_the_sender_is_refused(name: str) -> None:
    receiver = replace(RECEIVER, sender_ring=lambda _: RINGS[name])
    assert code_of(SENT, receiver) is Code.NOT_AUTHENTICATED


def test_another_partners_key_does_not_sign_for_the_sender() -> None:
    ring = KeyRing([KeyRecord.of(STRANGER.public, "sign", 0, AT * 2)])
    receiver = replace(
        RECEIVER, sender_ring=lambda name: ring if name == "bank.example" else CLINIC_RING
    )
    forged = received(signed(signer=STRANGER))
    assert code_of(forged, receiver) is Code.NOT_AUTHENTICATED
    assert accept(received(signed(signer=STRANGER, from_="bank.example")), receiver, AT)


def wire_body(raw: RawRequest, receiver: ReceiverContext = RECEIVER) -> bytes:
    with pytest.raises(Refused) as caught:
        accept(raw, receiver, AT)
    return caught.value.problem().encode()


def test_failures_of_steps_5_to_8_tell_a_stranger_nothing() -> None:
    bodies = {
        wire_body(replace(SENT, authority="bank.example")),
        wire_body(received(signed(to="bank.example"))),
        wire_body(received(signed(from_="bank.example"))),
        wire_body(received(signed(signer=STRANGER))),
        wire_body(SENT, replace(RECEIVER, sender_ring=lambda _: RINGS["revoked"])),
        wire_body(SENT, replace(RECEIVER, sender_ring=lambda _: RINGS["expired"])),
        wire_body(CHANGED["the signature"][0](SENT)),
        wire_body(replace(SENT, body=b"{}")),
    }
    assert bodies == {
        b'{"type":"urn:interlingua:problem:not-authenticated",'
        b'"title":"The request is not authenticated","status":401,"code":"not-authenticated"}'
    }


@pytest.mark.parametrize(
    "raw",
    [
        received(signed(from_="bank.example")),
        received(signed(signer=STRANGER)),
        CHANGED["the signature"][0](SENT),
        SENT,
    ],
    ids=["not a partner", "not its key", "not its signature", "accepted"],
)
def test_partner_or_not_one_signature_check_is_paid_for(
    raw: RawRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[bool] = []

    def counted(public: bytes, signature: bytes, message: bytes) -> bool:
        checks.append(verify(public, signature, message))
        return checks[-1]

    monkeypatch.setattr(protocol.accept_query, "verify", counted)
    try:
        accept(raw, RECEIVER, AT)
    except Refused as refused:
        assert refused.code is Code.NOT_AUTHENTICATED  # noqa: PT017 - either outcome is meant
    assert len(checks) == 1


def test_the_log_learns_the_reason_and_the_wire_does_not() -> None:
    with pytest.raises(Refused, match=r"bank\.example is not a partner") as caught:
        accept(received(signed(from_="bank.example")), RECEIVER, AT)
    assert b"bank.example" not in caught.value.problem().encode()


_BYTES = st.binary(max_size=80)
_HEADERS = st.lists(
    st.tuples(st.one_of(st.sampled_from([name.encode() for name in READ_FIELDS]), _BYTES), _BYTES),
    max_size=12,
)


def accepts_or_refuses(raw: RawRequest) -> None:
    """The invariant: an authenticated request, or one named refusal, never another exception."""
    try:
        accepted = accept(raw, RECEIVER, AT)
    except Refused as refused:
        assert refused.kind.standing == "unauthenticated"  # noqa: PT017 - either outcome is meant
    else:
        assert accepted.body == QUESTION.encode()


@given(
    method=st.one_of(st.sampled_from(["POST", "GET"]), st.text(max_size=8)),
    authority=st.one_of(st.just(AUTHORITY), st.text(max_size=30)),
    path=st.one_of(st.sampled_from([QUERY.path, OFFERS.path]), st.text(max_size=30)),
    query=st.text(max_size=5),
    headers=_HEADERS,
    body=_BYTES,
)
def test_anything_at_all_is_accepted_or_refused(
    method: str,
    authority: str,
    path: str,
    query: str,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    accepts_or_refuses(RawRequest(method, authority, path, query, headers, body))


@given(
    name=st.sampled_from(READ_FIELDS),
    at=st.integers(0, 400),
    drop=st.integers(0, 3),
    insert=st.binary(max_size=3),
)
@settings(max_examples=300)
def test_any_small_change_of_a_field_is_refused_or_changes_nothing(
    name: str, at: int, drop: int, insert: bytes
) -> None:
    before = header(SENT, name).encode()
    at %= len(before) + 1
    after = before[:at] + insert + before[at + drop :]
    raw = field(name, after)(SENT)
    if after == before:
        assert accept(raw, RECEIVER, AT)
    else:
        code_of(raw)


@given(body=st.binary(max_size=200))
def test_any_other_body_is_refused(body: bytes) -> None:
    if body != QUESTION.encode():
        assert code_of(replace(SENT, body=body)) is Code.NOT_AUTHENTICATED


def test_the_nonce_is_the_callers() -> None:
    one, two = signed(nonce=NONCE), signed(nonce=NONCE[::-1])
    assert accept(received(one), RECEIVER, AT).nonce != accept(received(two), RECEIVER, AT).nonce
