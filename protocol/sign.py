"""Signing requests and answers in the profile.

The rule of this file: what is written here is what acceptance reads, from the same table; the nonce
comes from the caller, and an answer repeats its request's.
"""

import base64
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from keys.signer import Signer
from protocol.binding import Binding, request_values
from protocol.content_digest import content_digest
from protocol.evidence import Evidence
from protocol.limits import NONCE_BYTES, SIGNATURE_LIFETIME_S
from protocol.notation import to_base64url
from protocol.profile import (
    ALGORITHM,
    ANSWER_COVERED,
    ANSWER_LABEL,
    ANSWER_TAG,
    REQUEST_LABEL,
    Endpoint,
)
from protocol.signature_base import signature_base


@dataclass(frozen=True)
class SignedRequest:
    """A request that is ready to be sent: `url` is the peer's base address plus `path`.

    `headers` are all that the profile needs; Host must be `authority`. `body_digest` is the
    `sha256:` digest of the body, which names the question in both logs. `created` and `expires` are
    epoch seconds.
    """

    binding: Binding
    headers: tuple[tuple[str, str], ...]
    body: bytes
    body_digest: str
    created: int
    expires: int

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.binding.endpoint.method

    @property
    def path(self) -> str:
        """The path of the target; there is no query."""
        return self.binding.endpoint.path

    @property
    def authority(self) -> str:
        """Host and port that the signature covers."""
        return self.binding.authority

    @cached_property
    def evidence(self) -> Evidence:
        """The request as an audit leaf keeps it."""
        return self.binding.evidence()


def sign_request(
    endpoint: Endpoint,
    authority: str,
    from_: str,
    to: str,
    body: bytes,
    signer: Signer,
    at: int,
    nonce: bytes,
) -> SignedRequest:
    """Sign a request of organisation `from_` to organisation `to` at host and port `authority`.

    `body` is empty where the endpoint has none; `at` is now (epoch seconds, UTC); `nonce` are 16
    fresh random bytes. ValueError for a nonce of another length or a body where none belongs.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} random bytes; this has {len(nonce)}")
    if body and endpoint.content_type is None:
        raise ValueError(f"a request to {endpoint.path} has no body")
    hashed = sha256(body)
    digest = content_digest(hashed.digest())
    params = _params(endpoint.covered, at, signer.kid, to_base64url(nonce), endpoint.tag)
    values = request_values(endpoint, authority, digest, from_, to)
    signature = _member(signer.sign(signature_base(endpoint.identifiers, values, params)))
    binding = Binding(
        endpoint=endpoint,
        authority=authority,
        from_=from_,
        to=to,
        content_digest=digest,
        params=params,
        signature=signature,
        nonce=to_base64url(nonce),
        kid=signer.kid,
        public=signer.public,
    )
    typed = () if endpoint.content_type is None else (("Content-Type", endpoint.content_type),)
    headers = (
        *typed,
        ("Content-Digest", digest),
        ("Interlingua-From", from_),
        ("Interlingua-To", to),
        ("Signature-Input", f"{REQUEST_LABEL}={params}"),
        ("Signature", f"{REQUEST_LABEL}={signature}"),
    )
    return SignedRequest(
        binding=binding,
        headers=headers,
        body=body,
        body_digest=f"sha256:{hashed.hexdigest()}",
        created=at,
        expires=at + SIGNATURE_LIFETIME_S,
    )


def sign_answer(
    binding: Binding, status: int, content_type: str, body: bytes, signer: Signer, at: int
) -> list[tuple[str, str]]:
    """Return the header fields of an answer to the request of `binding`.

    They are all that the profile needs: Content-Type, Content-Digest, Signature-Input, Signature.
    """
    digest = content_digest(sha256(body).digest())
    params = _params(ANSWER_COVERED, at, signer.kid, binding.nonce, ANSWER_TAG)
    signature = _member(signer.sign(binding.answer_base(status, content_type, digest, params)))
    return [
        ("Content-Type", content_type),
        ("Content-Digest", digest),
        ("Signature-Input", f"{ANSWER_LABEL}={params}"),
        ("Signature", f"{ANSWER_LABEL}={signature}"),
    ]


def _params(covered: str, at: int, kid: str, nonce: str, tag: str) -> str:
    return (
        f'({covered});created={at};keyid="{kid}";alg="{ALGORITHM}"'
        f';expires={at + SIGNATURE_LIFETIME_S};nonce="{nonce}";tag="{tag}"'
    )


def _member(signature: bytes) -> str:
    return f":{base64.b64encode(signature).decode('ascii')}:"
