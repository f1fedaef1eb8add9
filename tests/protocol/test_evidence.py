"""A leaf's request evidence is believed only if the named key signed exactly these values."""

import base64

import pytest

from keys.signer import SeedSigner
from protocol.evidence import Evidence
from protocol.log_errors import MalformedLeaf
from protocol.profile import OFFERS, QUERY, Endpoint
from protocol.sign import sign_request
from tests.protocol.leaf_samples import AT, SIGNER, evidence


def test_a_signed_request_is_evidence_of_its_key() -> None:
    signed = evidence()
    signed.check(SIGNER.kid)
    assert signed.component("interlingua-from") == "clinic.example"
    assert signed.component("cookie") is None


def test_evidence_names_one_key_only() -> None:
    with pytest.raises(MalformedLeaf, match="another key"):
        evidence().check(SeedSigner.generate().kid)
    other = SeedSigner.generate()
    swapped = evidence().model_copy(
        update={"public": base64.urlsafe_b64encode(other.public).rstrip(b"=").decode()}
    )
    with pytest.raises(MalformedLeaf, match="another key"):
        swapped.check(SIGNER.kid)


@pytest.mark.parametrize("place", range(8))
def test_any_changed_component_is_refused(place: int) -> None:
    signed = evidence()
    name, value = signed.components[place]
    changed = [*signed.components]
    changed[place] = (name, value + "x")
    with pytest.raises(MalformedLeaf, match="does not verify"):
        signed.model_copy(update={"components": tuple(changed)}).check(SIGNER.kid)
    fewer = (*signed.components[:place], *signed.components[place + 1 :])
    with pytest.raises(MalformedLeaf, match="not those that the signature covers"):
        signed.model_copy(update={"components": fewer}).check(SIGNER.kid)


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("signature_input", "created=1", "created=2"),
        ("signature_input", "q=", "a="),
        ("signature_input", ")", ""),
        ("signature_input", ";tag=", ";tag=;"),
        ("signature", "q=:", "q=:A"),
        ("signature", "q=:", "a=:"),
        ("signature", "==:", "==:, b=:AA==:"),
    ],
)
def test_a_changed_signature_is_refused(field: str, old: str, new: str) -> None:
    signed = evidence()
    changed = getattr(signed, field).replace(old, new, 1)
    with pytest.raises(MalformedLeaf):
        signed.model_copy(update={field: changed}).check(SIGNER.kid)


def test_a_value_cannot_smuggle_a_line() -> None:
    with pytest.raises(ValueError, match="pattern"):
        Evidence(
            components=(("@method", 'POST\n"@path": /'),),
            signature_input="q=()",
            signature="q=::",
            public="A" * 43,
        )


@pytest.mark.parametrize("endpoint", [QUERY, OFFERS], ids=["query", "offers"])
def test_what_the_signature_profile_writes_is_evidence(endpoint: Endpoint) -> None:
    body = b'{"v":1}' if endpoint is QUERY else b""
    request = sign_request(
        endpoint, "bank.example", "clinic.example", "bank.example", body, SIGNER, AT, bytes(16)
    )
    request.evidence.check(SIGNER.kid)
    assert request.evidence.key_id() == SIGNER.kid
    assert request.evidence.component("interlingua-to") == "bank.example"
