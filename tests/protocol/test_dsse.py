"""DSSE: the published encoding, another library's verdict, and thresholds that count keys once."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as JudgeEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import (  # type: ignore[attr-defined] # public, but not in __all__
    CryptoSigner,
    SSlibKey,
)

from keys.signer import SeedSigner, Signer
from protocol.dsse import (
    DsseRefused,
    Signed,
    add_signatures,
    pae,
    read_envelope,
    sign,
)
from protocol.limits import MAX_DOCUMENT_BYTES, MAX_SIGNATURES

TYPE = "application/vnd.interlingua.test+json"
A, B, C = (SeedSigner.from_seed(bytes([n]) * 32) for n in (1, 2, 3))
KEYS = {signer.kid: signer.public for signer in (A, B, C)}
PAYLOAD = b'{"a":1}'


def judge_key(signer: Signer) -> SSlibKey:
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(signer.public), signer.kid)


def reason(raw: bytes) -> str:
    with pytest.raises(DsseRefused) as caught:
        read_envelope(raw, TYPE)
    return caught.value.reason


def signers(raw: bytes) -> set[str]:
    return set(read_envelope(raw, TYPE).signers(KEYS))


def changed(raw: bytes, **members: Any) -> bytes:
    return json.dumps({**json.loads(raw), **members}).encode()


def test_the_published_pre_authentication_encoding() -> None:
    """DSSE protocol 1.0.0, test vectors."""
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("http://example.com/HelloWorld", b"hello world") == expected


@given(st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_the_independent_library_encodes_the_same(payload: bytes, kind: str) -> None:
    assert pae(kind, payload) == JudgeEnvelope(payload, kind, {}).pae()


@given(st.binary(max_size=300))
def test_the_independent_library_accepts_what_we_sign(payload: bytes) -> None:
    raw = sign(payload, TYPE, [A, B])
    judged = JudgeEnvelope.from_dict(json.loads(raw))
    assert judged.payload == payload
    accepted = judged.verify([judge_key(A), judge_key(B)], 2)
    assert set(accepted) == {A.kid, B.kid}
    with pytest.raises(VerificationError):
        judged.verify([judge_key(A), judge_key(C)], 2)


def test_we_accept_what_the_independent_library_signs() -> None:
    judged = JudgeEnvelope(PAYLOAD, TYPE, {})
    judged.sign(CryptoSigner(Ed25519PrivateKey.from_private_bytes(A.seed), judge_key(A)))
    raw = json.dumps(judged.to_dict()).encode()
    assert read_envelope(raw, TYPE).payload == PAYLOAD
    assert signers(raw) == {A.kid}


def test_only_trusted_keys_count() -> None:
    raw = sign(PAYLOAD, TYPE, [A, B])
    assert signers(raw) == {A.kid, B.kid}
    assert read_envelope(raw, TYPE).signers({A.kid: A.public, C.kid: C.public}) == {A.kid}


def test_a_key_under_anothers_name_signs_for_neither() -> None:
    signature = A.sign(pae(TYPE, PAYLOAD))
    assert signers(Signed(PAYLOAD, TYPE, {B.kid: signature}).encode()) == set()


def test_signatures_can_be_added_on_another_machine() -> None:
    raw = add_signatures(sign(PAYLOAD, TYPE, [A]), TYPE, [B])
    assert raw == sign(PAYLOAD, TYPE, [B, A])
    with pytest.raises(DsseRefused):
        add_signatures(raw, "application/other", [C])


def test_another_type_is_refused_even_if_properly_signed() -> None:
    assert reason(sign(PAYLOAD, "application/other", [A])) == "type"


def test_a_signature_for_one_type_is_none_for_another() -> None:
    raw = changed(sign(PAYLOAD, "application/other", [A]), payloadType=TYPE)
    assert signers(raw) == set()


def test_both_base64_alphabets_are_read() -> None:
    payload = b"\xfb\xff\xfe" * 5
    raw = sign(payload, TYPE, [A])
    urlsafe = raw.replace(b"+", b"-").replace(b"/", b"_")
    kind = urlsafe.replace(TYPE.replace("/", "_").replace("+", "-").encode(), TYPE.encode())
    assert read_envelope(kind, TYPE).payload == payload
    assert signers(kind) == {A.kid}


SIGNED = sign(PAYLOAD, TYPE, [A])
SIGNATURE = json.loads(SIGNED)["signatures"][0]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        b"x" * (MAX_DOCUMENT_BYTES + 1),
        SIGNED[:-1],
        SIGNED + b"{}",
        changed(SIGNED, more=1),
        changed(SIGNED, payload=1),
        changed(SIGNED, payload="eyJhIjoxfQ"),
        changed(SIGNED, payload="eyJhIjoxfR=="),
        changed(SIGNED, payload="eyJhIjox\nfQ=="),
        changed(SIGNED, signatures=[]),
        changed(SIGNED, signatures=[SIGNATURE] * 2),
        changed(SIGNED, signatures=[SIGNATURE] * (MAX_SIGNATURES + 1)),
        changed(SIGNED, signatures=[{"sig": SIGNATURE["sig"]}]),
        changed(SIGNED, signatures=[{**SIGNATURE, "more": 1}]),
        changed(SIGNED, signatures=[{**SIGNATURE, "sig": "AAAA"}]),
        SIGNED.replace(b'"payload":', b'"payload":"AAAA","payload":'),
    ],
)
def test_another_form_is_refused(raw: bytes) -> None:
    assert reason(raw) == "form"


@given(st.data())
def test_any_changed_byte_gives_the_payload_a_refusal_or_no_signer(data: st.DataObject) -> None:
    raw = bytearray(SIGNED)
    at = data.draw(st.integers(min_value=0, max_value=len(raw) - 1))
    raw[at] = data.draw(st.integers(min_value=0, max_value=255))
    try:
        read = read_envelope(bytes(raw), TYPE)
    except DsseRefused:
        return
    assert read.payload == PAYLOAD or not read.signers(KEYS)


def test_an_unopened_envelope_is_written_back_as_it_was() -> None:
    assert read_envelope(SIGNED, TYPE).encode() == SIGNED
    assert base64.b64decode(json.loads(SIGNED)["payload"]) == PAYLOAD
