"""RFC 9421's own messages: the builder reproduces them, and acceptance refuses them.

The RFC's test-request (section B.2), its signature with the Ed25519 key (B.2.6), and the response
bound to a request (section 2.4), whose signature was made with the RFC's P-256 key.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keys.ring import KeyRecord, KeyRing
from keys.signer import SeedSigner, verify
from protocol.accept_query import RawRequest, ReceiverContext, accept
from protocol.problems import Code, Refused
from protocol.signature_base import Component, signature_base, signature_params

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "rfc9421.json").read_text()
)


def identifiers(vector: dict[str, Any]) -> list[str]:
    return [str(Component(**component)) for component in vector["components"]]


@pytest.mark.parametrize("name", VECTORS)
def test_the_signature_base_is_the_rfcs(name: str) -> None:
    vector = VECTORS[name]
    names = identifiers(vector)
    params = signature_params(names, [tuple(p) for p in vector["parameters"]])
    assert params == vector["signature_params"]
    assert signature_base(names, vector["values"], params).decode() == "\n".join(vector["base"])


def test_b_2_6_is_reproduced_to_the_last_bit() -> None:
    vector = VECTORS["B.2.6"]
    signer = SeedSigner.from_seed(_unpadded(vector["private_key"]))
    assert signer.public == _unpadded(vector["public_key"])
    base = "\n".join(vector["base"]).encode()
    assert base64.b64encode(signer.sign(base)).decode() == vector["signature"]
    assert verify(signer.public, base64.b64decode(vector["signature"]), base)


def test_the_bound_responses_signature_verifies() -> None:
    vector = VECTORS["2.4"]
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(_unpadded(vector["public_key_x"]), "big"),
        int.from_bytes(_unpadded(vector["public_key_y"]), "big"),
        ec.SECP256R1(),
    )
    raw = base64.b64decode(vector["signature"])
    signature = encode_dss_signature(
        int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    )
    base = "\n".join(vector["base"]).encode()
    numbers.public_key().verify(signature, base, ec.ECDSA(SHA256()))


def test_acceptance_refuses_b_2_6_as_out_of_profile() -> None:
    vector = VECTORS["B.2.6"]
    public = _unpadded(vector["public_key"])
    ring = KeyRing([KeyRecord.of(public, "sign", 0, 2**40)])
    receiver = ReceiverContext("example", frozenset({"example.com"}), lambda _: ring)
    headers = [
        (b"Date", b"Tue, 20 Apr 2021 02:07:55 GMT"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"18"),
        (b"Signature-Input", f"sig-b26={vector['signature_params']}".encode()),
        (b"Signature", f"sig-b26=:{vector['signature']}:".encode()),
    ]
    body = b'{"hello": "world"}'
    created = 1_618_884_473
    as_sent = RawRequest("POST", "example.com", "/foo", "param=Value&Pet=dog", headers, body)
    assert _code(as_sent, receiver, created) is Code.UNKNOWN_ENDPOINT
    ours = [
        (b"Content-Digest", b"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
        (b"Interlingua-From", b"example"),
        (b"Interlingua-To", b"example"),
    ]
    dressed = RawRequest("POST", "example.com", "/federation/v1/query", "", headers + ours, body)
    assert _code(dressed, receiver, created) is Code.SIGNATURE_MALFORMED


def _code(raw: RawRequest, receiver: ReceiverContext, at: int) -> Code:
    with pytest.raises(Refused) as caught:
        accept(raw, receiver, at)
    return caught.value.code


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
