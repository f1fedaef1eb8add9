"""What a signed request was, as far as its answer must repeat it.

The rule of this file: an answer is bound to one request by every value that the request's signature
covers and by that signature with its parameters (RFC 9421 section 2.4). The signature alone would
not bind the content: whoever holds another message with it could move the answer there.
"""

from dataclasses import dataclass

from protocol.evidence import Evidence
from protocol.notation import to_base64url
from protocol.own_values import stated
from protocol.profile import ANSWER_IDENTIFIERS, REQUEST_LABEL, Endpoint
from protocol.signature_base import signature_base

NO_QUERY = "?"
"""The value of `@query` where the target has none (RFC 9421 section 2.2.7)."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One request's covered values, signature and key.

    `params` and `signature` are the members `q` of Signature-Input and Signature; `nonce` and
    `kid` repeat what stands in `params`; `public` is the key's 32 bytes.
    """

    endpoint: Endpoint
    authority: str
    from_: str
    to: str
    content_digest: str
    params: str
    signature: str
    nonce: str
    kid: str
    public: bytes

    def request_values(self) -> tuple[str, ...]:
        """Return the covered values of the request, in the endpoint's order."""
        return request_values(
            self.endpoint, self.authority, self.content_digest, self.from_, self.to
        )

    def answer_base(self, status: int, content_type: str, digest: str, params: str) -> bytes:
        """Return the signature base of an answer to this request.

        `digest` is the answer's Content-Digest, `params` its signature's parameters.
        """
        values = (
            str(status),
            content_type,
            digest,
            self.endpoint.method,
            self.authority,
            self.endpoint.path,
            NO_QUERY,
            self.content_digest,
            self.from_,
            self.to,
            self.params,
            self.signature,
        )
        return signature_base(ANSWER_IDENTIFIERS, values, params)

    def evidence(self) -> Evidence:
        """Return the request as an audit leaf keeps it."""
        names = (component.name for component in self.endpoint.components)
        return stated(
            Evidence,
            components=tuple(zip(names, self.request_values(), strict=True)),
            signature_input=f"{REQUEST_LABEL}={self.params}",
            signature=f"{REQUEST_LABEL}={self.signature}",
            public=to_base64url(self.public),
        )


def request_values(
    endpoint: Endpoint, authority: str, digest: str, from_: str, to: str
) -> tuple[str, ...]:
    """Return what a request's signature covers, in the endpoint's order."""
    body = () if endpoint.content_type is None else (endpoint.content_type,)
    return (endpoint.method, authority, endpoint.path, NO_QUERY, *body, digest, from_, to)
