"""What an answer repeats of its request, and what a leaf keeps of it."""

import base64

import pytest

from keys.signer import verify
from protocol.binding import NO_QUERY
from protocol.profile import ANSWER_IDENTIFIERS
from protocol.sign import SignedRequest
from tests.protocol.exchange import (
    AUTHORITY,
    CLINIC,
    CLINIC_SIGN,
    HOSPITAL,
    signed,
    signed_offers,
)

REQUESTS = pytest.mark.parametrize(
    "request_", [signed(), signed_offers()], ids=lambda r: str(r.binding.endpoint.name)
)


@REQUESTS
def test_an_answers_base_repeats_every_value_of_its_request(request_: SignedRequest) -> None:
    binding = request_.binding
    base = binding.answer_base(200, "text/x", "sha-256=:x:", "(...)").decode()
    lines = base.split("\n")
    assert [line.partition(": ")[0] for line in lines[:-1]] == list(ANSWER_IDENTIFIERS)
    assert [line.partition(": ")[2] for line in lines] == [
        "200",
        "text/x",
        "sha-256=:x:",
        request_.method,
        AUTHORITY,
        request_.path,
        NO_QUERY,
        binding.content_digest,
        CLINIC,
        HOSPITAL,
        binding.params,
        binding.signature,
        "(...)",
    ]


@REQUESTS
def test_the_evidence_verifies_on_its_own(request_: SignedRequest) -> None:
    evidence = request_.evidence
    evidence.check(CLINIC_SIGN.kid)
    assert evidence.key_id() == CLINIC_SIGN.kid
    assert evidence.component("interlingua-to") == HOSPITAL
    signature = base64.b64decode(request_.binding.signature.strip(":"))
    assert verify(CLINIC_SIGN.public, signature, evidence.signature_base())
