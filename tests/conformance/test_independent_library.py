"""Our messages and the independent library `http-message-signatures`, in both directions.

The library (version 3) supports `;req` and `;key`, so it judges answers too. It reads the wall
clock, so these messages are made now. Content-Digest is judged by its own digest class.
"""

import secrets
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)

from keys.signer import SeedSigner
from protocol.accept_answer import RawAnswer, accept_answer
from protocol.accept_query import RawRequest, accept
from protocol.content_digest import content_digest
from protocol.messages import ANSWER_TYPE
from protocol.profile import ANSWER_COMPONENTS, ANSWER_TAG, OFFERS, QUERY, Endpoint
from protocol.sign import SignedRequest
from tests.protocol.exchange import (
    AUTHORITY,
    CLINIC,
    CLINIC_RING,
    CLINIC_SIGN,
    HOSPITAL,
    HOSPITAL_SIGN,
    PEER,
    QUESTION,
    RECEIVER,
    answer,
    answered,
    leaf_of,
    logged_body,
    offers,
    received,
    signed,
    signed_offers,
    signed_raw_answer,
)

URL = f"https://{AUTHORITY}"


@dataclass
class Request:
    """A request as the library expects one: method, absolute URL, header fields."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass
class Response:
    """A response as the library expects one, with the request that it answers."""

    status_code: int
    request: Request
    headers: dict[str, str] = field(default_factory=dict)


def resolver(*signers: SeedSigner) -> MappingKeyResolver:
    return MappingKeyResolver(
        public_keys={s.kid: Ed25519PublicKey.from_public_bytes(s.public) for s in signers},
        private_keys={s.kid: Ed25519PrivateKey.from_private_bytes(s.seed) for s in signers},
    )


VERIFIER = HTTPMessageVerifier(
    signature_algorithm=algorithms.ED25519, key_resolver=resolver(CLINIC_SIGN, HOSPITAL_SIGN)
)
SIGNER = HTTPMessageSigner(
    signature_algorithm=algorithms.ED25519, key_resolver=resolver(CLINIC_SIGN, HOSPITAL_SIGN)
)


def request_of(signed_request: SignedRequest) -> Request:
    return Request(signed_request.method, URL + signed_request.path, dict(signed_request.headers))


def response_of(raw: RawAnswer, signed_request: SignedRequest) -> Response:
    headers = {name.decode(): value.decode() for name, value in raw.headers}
    return Response(raw.status, request_of(signed_request), headers)


def now() -> int:
    return int(time.time())


ENDPOINTS = pytest.mark.parametrize("endpoint", [QUERY, OFFERS], ids=lambda e: e.name)


def asked(endpoint: Endpoint, at: int) -> SignedRequest:
    return signed(at=at) if endpoint is QUERY else signed_offers(at=at)


@ENDPOINTS
def test_the_library_verifies_our_requests(endpoint: Endpoint) -> None:
    request = asked(endpoint, now())
    (result,) = VERIFIER.verify(
        request_of(request),
        expect_tag=endpoint.tag,
        expect_label="q",
        require_components=endpoint.identifiers,
        body=request.body,
    )
    assert result.parameters["keyid"] == CLINIC_SIGN.kid
    assert result.nonce == request.binding.nonce
    assert [k for k in result.covered_components if k != '"@signature-params"'] == list(
        endpoint.identifiers
    )


@ENDPOINTS
def test_the_library_verifies_our_answers(endpoint: Endpoint) -> None:
    at = now()
    request = asked(endpoint, at)
    raw = answered_at(request, at)
    (result,) = VERIFIER.verify(
        response_of(raw, request),
        expect_tag=ANSWER_TAG,
        expect_label="a",
        require_components=[str(c) for c in ANSWER_COMPONENTS],
        body=raw.body,
    )
    assert result.parameters["keyid"] == HOSPITAL_SIGN.kid


def answered_at(request: SignedRequest, at: int) -> RawAnswer:
    payload = answer() if request.binding.endpoint is QUERY else offers()
    leaf = leaf_of(request, payload, at=at).encode()
    return signed_raw_answer(request, logged_body(payload.encode(), leaf), at=at)


def test_the_library_agrees_that_a_moved_answer_does_not_verify() -> None:
    at = now()
    request = signed(at=at)
    raw = answered_at(request, at)
    other = signed(at=at, nonce=secrets.token_bytes(16))
    for target in (other, signed(at=at, to="bank.example"), signed(b"{}", at=at)):
        with pytest.raises(InvalidSignature):
            VERIFIER.verify(response_of(raw, target), expect_tag=ANSWER_TAG)
    tampered = replace(raw, status=201)
    with pytest.raises(InvalidSignature):
        VERIFIER.verify(response_of(tampered, request), expect_tag=ANSWER_TAG)


def test_the_library_agrees_that_a_changed_request_does_not_verify() -> None:
    request = request_of(signed(at=now()))
    changes: list[dict[str, Any]] = [
        {"method": "PUT"},
        {"url": URL + "/federation/v1/other"},
        {"url": request.url + "?x=1"},
        {"url": request.url.replace("hospital", "bank")},
        {"headers": request.headers | {"Interlingua-To": "bank.example"}},
        {"headers": request.headers | {"Interlingua-From": "bank.example"}},
        {"headers": request.headers | {"Content-Type": "text/plain"}},
        {"headers": request.headers | {"Content-Digest": content_digest(b"\x00" * 32)}},
    ]
    for change in changes:
        with pytest.raises(InvalidSignature):
            VERIFIER.verify(replace(request, **change), expect_tag=QUERY.tag)


def library_parameters(signer: SeedSigner, at: int, nonce: str, tag: str) -> dict[str, Any]:
    return {
        "key_id": signer.kid,
        "created": datetime.fromtimestamp(at, UTC),
        "expires": datetime.fromtimestamp(at + 60, UTC),
        "nonce": nonce,
        "tag": tag,
    }


@ENDPOINTS
def test_we_accept_requests_that_the_library_signs(endpoint: Endpoint) -> None:
    at = now()
    body = QUESTION.encode() if endpoint is QUERY else b""
    request = Request(
        endpoint.method,
        URL + endpoint.path,
        {"Interlingua-From": CLINIC, "Interlingua-To": HOSPITAL},
    )
    if endpoint.content_type:
        request.headers["Content-Type"] = endpoint.content_type
    SIGNER.sign(
        request,
        label="q",
        covered_component_ids=endpoint.identifiers,
        body=body,
        **library_parameters(CLINIC_SIGN, at, "A" * 22, endpoint.tag),
    )
    headers = [(n.encode(), v.encode()) for n, v in request.headers.items()]
    raw = RawRequest(endpoint.method, AUTHORITY, endpoint.path, "", headers, body)
    accepted = accept(raw, RECEIVER, at)
    assert (accepted.from_, accepted.kid, accepted.nonce) == (CLINIC, CLINIC_SIGN.kid, "A" * 22)
    assert CLINIC_RING.usable(accepted.kid, "sign", at)


def test_we_accept_answers_that_the_library_signs() -> None:
    at = now()
    request = signed(at=at)
    leaf = leaf_of(request, answer(), at=at).encode()
    body = logged_body(answer().encode(), leaf)
    response = Response(200, request_of(request), {"Content-Type": ANSWER_TYPE})
    SIGNER.sign(
        response,
        label="a",
        covered_component_ids=[str(c) for c in ANSWER_COMPONENTS],
        body=body,
        **library_parameters(HOSPITAL_SIGN, at, request.binding.nonce, ANSWER_TAG),
    )
    headers = [(n.encode(), v.encode()) for n, v in response.headers.items()]
    raw = RawAnswer(200, headers, body)
    accepted = accept_answer(request, QUESTION, raw, PEER, at)
    assert accepted == accept_answer(request, QUESTION, answered_at(request, at), PEER, at)


def test_the_exchange_is_the_same_with_a_fixed_clock() -> None:
    request = signed()
    assert accept(received(request), RECEIVER, request.created).binding == request.binding
    assert accept_answer(request, QUESTION, answered(request, answer()), PEER, request.created)
