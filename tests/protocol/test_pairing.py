"""A pairing request: signed by who it says, judged in order, with words that cover both sides."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.words import same_words
from protocol.canonical import dumps
from protocol.dsse import sign
from protocol.invitation import PairingRefused
from protocol.limits import MAX_PAIRING_BYTES
from protocol.pairing import (
    REQUEST_TYPE,
    PairingRequest,
    Side,
    accept_documents,
    accept_request,
    pairing_words,
    pin_of,
    read_request,
    request_words,
    write_request,
)
from protocol.root import RootRefused
from tests.protocol.organisation import (
    DAY_S,
    NOW,
    card,
    key,
    root,
    signed_card,
    signed_root,
    signer,
)

NONCES = ("A" * 21 + "Q", "A" * 21 + "g")


def request(**changes: Any) -> PairingRequest:
    """clinic.example answers an invitation of lab.example."""
    fields: dict[str, Any] = {
        "organisation": "clinic.example",
        "root": signer("root 1").kid,
        "nonce": NONCES[0],
        "to": "lab.example",
        "inviter": signer("root 2").kid,
        "invitation": NONCES[1],
        "root_document": root().digest,
        "card": card().digest,
    }
    return PairingRequest(**{**fields, **changes})


def written(name: str = "sign 1", **changes: Any) -> bytes:
    return write_request(request(**changes), signer(name), signed_root(root()), signed_card(card()))


def reason(raw: bytes, at: int = NOW) -> str:
    """Why a request is refused."""
    with pytest.raises(PairingRefused) as refused:
        accept_request(read_request(raw), at)
    assert refused.value.code == refused.value.reason
    assert refused.value.fix
    return refused.value.reason


def test_a_request_gives_the_documents_of_who_signed_it() -> None:
    read = read_request(written() + b"\n")
    assert read.request == request()
    assert accept_request(read, NOW) == (root(), card())


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("sign 2", {}, "request-unsigned"),
        ("card 1", {}, "request-unsigned"),
        ("root 1", {}, "request-unsigned"),
        ("sign 1", {"card": "sha256:" + "0" * 64}, "request-unsigned"),
        ("sign 1", {"root_document": "sha256:" + "0" * 64}, "request-unsigned"),
        ("sign 1", {"root": signer("root 2").kid}, "documents-invalid"),
        ("sign 1", {"organisation": "other.example"}, "documents-invalid"),
    ],
)
def test_a_request_of_somebody_else_is_refused(name: str, changes: Any, why: str) -> None:
    assert reason(written(name, **changes)) == why


def test_a_signature_over_another_request_does_not_count() -> None:
    frame = json.loads(written())
    other = json.loads(frame["request"])
    other["signatures"] = json.loads(json.loads(written(nonce=NONCES[1]))["request"])["signatures"]
    frame["request"] = json.dumps(other)
    assert reason(json.dumps(frame).encode()) == "request-unsigned"


def test_a_card_that_expired_on_its_way_is_accepted_and_an_expired_root_document_is_not() -> None:
    late = NOW + 5 * DAY_S
    assert accept_request(read_request(written()), late)[1] == card()
    assert reason(written(), NOW + 90 * DAY_S) == "documents-invalid"
    ahead = signed_card(card(issued=NOW + 3600, expires=NOW + DAY_S))
    with pytest.raises(PairingRefused, match="future"):
        accept_documents(signed_root(root()), ahead, signer("root 1").kid, "clinic.example", NOW)


def test_the_pin_is_a_root_key_that_signed() -> None:
    both = root(roots=(key("root 2", "root"), key("root 1", "root")))
    assert pin_of(signed_root(both, "root 1")) == signer("root 1").kid
    with pytest.raises(RootRefused):
        pin_of(signed_root(both, "card 1"))


SIDE = Side("lab.example", signer("root 2").kid, NONCES[1])
OTHER = Side("clinic.example", signer("root 1").kid, NONCES[0])


@pytest.mark.parametrize(
    ("inviter", "requester"),
    [
        (OTHER, SIDE),  # the other way round
        (Side("lab2.example", SIDE.root, SIDE.nonce), OTHER),
        (Side(SIDE.organisation, OTHER.root, SIDE.nonce), OTHER),
        (Side(SIDE.organisation, SIDE.root, OTHER.nonce), OTHER),
        (SIDE, Side("clinic2.example", OTHER.root, OTHER.nonce)),
        (SIDE, Side(OTHER.organisation, SIDE.root, OTHER.nonce)),
        (SIDE, Side(OTHER.organisation, OTHER.root, SIDE.nonce)),
    ],
)
def test_the_words_cover_names_roots_and_nonces_of_both_sides(
    inviter: Side, requester: Side
) -> None:
    words = request_words(request())
    assert words == pairing_words(SIDE, OTHER)
    assert len(words.split()) == 6
    assert not same_words(words, pairing_words(inviter, requester))


REASONS = {None, "request-invalid", "request-unsigned", "documents-invalid"}
WRITTEN = written()
PARTS = [raw.decode() for raw in (WRITTEN, signed_root(root()), signed_card(card()))]


def judged(raw: bytes) -> str | None:
    """Why a request is refused, None where it is accepted; nothing else may happen."""
    try:
        accept_request(read_request(raw), NOW)
    except PairingRefused as refused:
        return refused.reason
    return None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.binary(max_size=64))
def test_any_bytes_end_in_one_named_error(raw: bytes) -> None:
    assert judged(raw) in REASONS


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["type", "request", "root", "card", "more"]),
    VALUES
    | st.sampled_from([written(), signed_root(root()), signed_card(card())]).map(bytes.decode),
)
def test_any_member_of_the_frame_ends_in_one_named_error(name: str, value: Any) -> None:
    assert judged(json.dumps({**json.loads(WRITTEN), name: value}).encode()) in REASONS


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([*PairingRequest.model_fields, "more"]), VALUES)
def test_any_member_of_the_signed_part_ends_in_one_named_error(name: str, value: Any) -> None:
    payload = json.dumps({**request().model_dump(mode="json"), name: value}).encode()
    signed = sign(payload, REQUEST_TYPE, [signer("sign 1")]).decode()
    assert judged(json.dumps({**json.loads(WRITTEN), "request": signed}).encode()) in REASONS


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_ends_in_one_named_error(place: int, flip: int) -> None:
    raw = bytearray(WRITTEN)
    raw[place % len(raw)] ^= flip
    assert judged(bytes(raw)) in REASONS


def test_a_request_that_is_too_long_is_not_read() -> None:
    frame = dumps({**json.loads(written()), "card": "x" * MAX_PAIRING_BYTES})
    assert reason(frame) == "request-invalid"
