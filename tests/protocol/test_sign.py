"""Signing: the same bytes from the fixed writer and from the generic builder."""

import base64

import pytest

from keys.signer import verify
from protocol.profile import OFFERS, QUERY
from protocol.sign import sign_answer
from protocol.signature_base import signature_base, signature_params
from tests.protocol.exchange import (
    AT,
    AUTHORITY,
    CLINIC_SIGN,
    HOSPITAL_SIGN,
    NONCE,
    QUESTION,
    signed,
    signed_offers,
)


@pytest.mark.parametrize("endpoint", [QUERY, OFFERS], ids=lambda endpoint: endpoint.name)
def test_the_generic_builder_gives_the_same_request(endpoint: object) -> None:
    request = signed() if endpoint is QUERY else signed_offers()
    row = request.binding.endpoint
    params = signature_params(
        row.identifiers,
        [
            ("created", AT),
            ("keyid", CLINIC_SIGN.kid),
            ("alg", "ed25519"),
            ("expires", AT + 60),
            ("nonce", "AAECAwQFBgcICQoLDA0ODw"),
            ("tag", row.tag),
        ],
    )
    assert params == request.binding.params
    base = signature_base(row.identifiers, request.binding.request_values(), params)
    spelled = base64.b64decode(request.binding.signature.strip(":"))
    assert verify(CLINIC_SIGN.public, spelled, base)


def test_the_headers_are_all_that_the_profile_needs() -> None:
    names = [name for name, _ in signed().headers]
    assert names == [
        "Content-Type",
        "Content-Digest",
        "Interlingua-From",
        "Interlingua-To",
        "Signature-Input",
        "Signature",
    ]
    assert [name for name, _ in signed_offers().headers] == names[1:]
    request = signed()
    assert (request.method, request.path) == ("POST", "/federation/v1/query")
    assert request.authority == AUTHORITY
    assert request.body == QUESTION.encode()
    assert (request.created, request.expires) == (AT, AT + 60)
    request.evidence.check(CLINIC_SIGN.kid)


def test_an_answer_repeats_its_requests_nonce() -> None:
    fields = dict(sign_answer(signed().binding, 200, "text/x", b"", HOSPITAL_SIGN, AT))
    assert 'nonce="AAECAwQFBgcICQoLDA0ODw"' in fields["Signature-Input"]
    assert list(fields) == ["Content-Type", "Content-Digest", "Signature-Input", "Signature"]


def test_a_nonce_has_16_bytes() -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        signed(nonce=NONCE[:15])


def test_a_body_is_not_sent_where_none_belongs() -> None:
    with pytest.raises(ValueError, match="has no body"):
        signed(b"{}", endpoint=OFFERS)
