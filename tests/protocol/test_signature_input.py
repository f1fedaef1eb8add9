"""Signature-Input and Signature: one form is read, and everything else says in what it differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.signature_input import SignatureMalformed, parse_signature
from tests.protocol.exchange import AT, CLINIC_SIGN, signed

HEADERS = dict(signed().headers)
INPUT, SIGNATURE = HEADERS["Signature-Input"], HEADERS["Signature"]


def why(signature_input: str, signature: str = SIGNATURE, label: str = "q") -> str:
    with pytest.raises(SignatureMalformed) as caught:
        parse_signature(signature_input, signature, label)
    return str(caught.value)


def test_the_profiles_form_is_read() -> None:
    fields = parse_signature(INPUT, SIGNATURE, "q")
    assert fields.params == INPUT.removeprefix("q=")
    assert fields.member == SIGNATURE.removeprefix("q=")
    assert fields.covered.startswith('"@method" "@authority"')
    assert (fields.created, fields.expires, fields.kid) == (AT, AT + 60, CLINIC_SIGN.kid)
    assert len(fields.signature) == 64


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("q=(", "r=(", "not named q"),
        ("q=(", "q=", "not one labelled list"),
        ("q=", "", "not one labelled list"),
        (";created", ", r=();created", "more than one signature"),
        (")", "", "none that is whole"),
        (";created", ";Created", "not in canonical form"),
        ('"ed25519"', '"ed25519', "not in canonical form"),
        ('"ed25519"', '"rsa-v1_5-sha256"', "algorithm is not ed25519"),
        (";alg", ";extra=1;alg", "not exactly created, keyid, alg, expires, nonce, tag"),
        (';alg="ed25519"', "", "not exactly"),
        ("created=", "created=0", "a parameter's value"),
        ('nonce="', 'nonce="A', "a parameter's value"),
        ('keyid="', 'keyid="A', "a parameter's value"),
    ],
)
def test_the_reason_is_named(old: str, new: str, reason: str) -> None:
    assert old in INPUT
    assert reason in why(INPUT.replace(old, new, 1))


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "q",
        "q=",
        "q=::",
        SIGNATURE[:-1],
        SIGNATURE + " ",
        SIGNATURE.replace("=:", "=", 1),
        SIGNATURE.replace("q", "a", 1),
        f"{SIGNATURE}, {SIGNATURE}",
        f"{SIGNATURE};a=1",
        SIGNATURE.replace("==:", ":"),
    ],
)
def test_a_signature_is_one_byte_sequence_of_64(signature: str) -> None:
    assert "Signature is not one canonical" in why(INPUT, signature)


_PIECES = st.lists(
    st.sampled_from(
        ["q=", "a=", "(", ")", '"@method"', " ", ";", "created=", "1", '"', "\\", ",", ":", "="]
    ),
    max_size=30,
).map("".join)


@given(signature_input=st.one_of(st.text(max_size=80), _PIECES), signature=st.text(max_size=80))
def test_any_other_text_is_refused_by_name(signature_input: str, signature: str) -> None:
    why(signature_input, signature)
    why(signature_input)
