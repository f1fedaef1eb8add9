"""Accepting a signed request: every decision before anything is looked up or searched.

The rule of this file: `accept` is pure, takes bytes, and gives an authenticated request or one
Refused. Its steps are the protocol's (docs/protocol.md) and are marked in the code:

1. size and strict parse: a known endpoint; body and header fields within their limits; each field
   that the profile reads once, in its one form. The body's JSON is read only after step 8: nobody
   unknown makes the node parse.
2. signature parameters: one signature in the profile's form, with the endpoint's tag.
3. time window: created not in the future, expires not in the past (30 s of skew either way), and
   at most 60 s apart.
4. coverage: exactly the endpoint's components, in order.
5. addressed to me: `@authority` is one of mine and `interlingua-to` my name. A signed destination
   that the receiver does not check would let others relay the request.
6. key: it belongs to the organisation in `interlingua-from`, may sign, is valid and not revoked.
7. signature: it verifies over the request as received.
8. digest: the body is the one that was signed.

Failures of steps 5 to 8 share one code and one body. So that time does not tell either who the
partners are, step 6 pays for a signature check where there is no key to check with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from keys.ring import KeyRecord, KeyRefused, KeyRing
from keys.signer import verify
from protocol.binding import Binding, request_values
from protocol.content_digest import content_digest, is_content_digest
from protocol.evidence import Evidence
from protocol.header_fields import FieldsMalformed, FieldsTooLarge, RawHeaders, read_fields
from protocol.limits import CLOCK_SKEW_S, MAX_QUERY_BYTES, SIGNATURE_LIFETIME_S
from protocol.notation import is_organisation
from protocol.problems import Code, Refused
from protocol.profile import REQUEST_LABEL, Endpoint, endpoint_at
from protocol.signature_base import signature_base
from protocol.signature_input import SignatureFields, SignatureMalformed, parse_signature

_REQUIRED = frozenset(
    {b"content-digest", b"interlingua-from", b"interlingua-to", b"signature-input", b"signature"}
)
_READ = _REQUIRED | {b"content-type", b"content-encoding"}
_NAMES = tuple(sorted(name.decode() for name in _REQUIRED))

# RFC 8032 section 7.1 test 1: a sound key under which nobody here signs.
_DECOY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it came in.

    `authority` is the Host field's value, `path` the target's path as it was sent, `query` what
    follows its question mark, without it. `headers` are in wire order, values without surrounding
    space.
    """

    method: str
    authority: str
    path: str
    query: str
    headers: RawHeaders
    body: bytes


@dataclass(frozen=True, slots=True)
class ReceiverContext:
    """Who receives: the own name, the hosts and ports under which it is reached, and whom it knows.

    `sender_ring` gives the keys of an organisation whose questions are heard at all (paused ones
    too: they are told so later), None for any other. It must take the same time for either.
    """

    organisation: str
    authorities: frozenset[str]
    sender_ring: Callable[[str], KeyRing | None]


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """An authenticated request. `binding` is what its answer is signed over (`sign_answer`).

    `body_digest` is the `sha256:` digest of `body`; times are epoch seconds.
    """

    binding: Binding
    created: int
    expires: int
    body: bytes
    body_digest: str

    @property
    def endpoint(self) -> Endpoint:
        """The table's row."""
        return self.binding.endpoint

    @property
    def from_(self) -> str:
        """The organisation that asks."""
        return self.binding.from_

    @property
    def kid(self) -> str:
        """The key that signed."""
        return self.binding.kid

    @property
    def nonce(self) -> str:
        """The request's nonce: to be remembered until `forget_nonce_after`."""
        return self.binding.nonce

    @property
    def forget_nonce_after(self) -> int:
        """The last second (epoch) at which this request would be fresh."""
        return self.expires + CLOCK_SKEW_S

    @property
    def evidence(self) -> Evidence:
        """The request as an audit leaf keeps it."""
        return self.binding.evidence()


def accept(request: RawRequest, receiver: ReceiverContext, at: int) -> AcceptedRequest:
    """Return the authenticated request, or raise Refused and nothing else; `at` is now.

    Every Refused of this function is unauthenticated: its answer is not signed.
    """
    binding, signature = _authenticate(request, receiver, at)  # steps 1 to 7
    hashed = sha256(request.body)
    if content_digest(hashed.digest()) != binding.content_digest:  # step 8
        raise _not_authenticated(f"the body is not the one that {binding.from_} signed")
    return AcceptedRequest(
        binding=binding,
        created=signature.created,
        expires=signature.expires,
        body=request.body,
        body_digest=f"sha256:{hashed.hexdigest()}",
    )


def sender_of(head: RawRequest, receiver: ReceiverContext, at: int) -> str:
    """Return who signed a request of which only the header fields have come (its `body` is empty).

    Steps 1 to 7, so that a node can tell partners from strangers while bodies still come in; it
    authenticates nothing but the digest of a body. Raises Refused as `accept` does.
    """
    return _authenticate(head, receiver, at)[0].from_


def _authenticate(
    request: RawRequest, receiver: ReceiverContext, at: int
) -> tuple[Binding, SignatureFields]:
    endpoint, fields = _read_head(request)  # step 1
    signature = _read_signature(fields, endpoint)  # step 2
    _check_window(signature, at)  # step 3
    if signature.covered != endpoint.covered:  # step 4
        raise Refused(Code.SIGNATURE_COVERAGE, f"it covers ({signature.covered[:512]})")
    from_, to, digest = (
        fields["interlingua-from"],
        fields["interlingua-to"],
        fields["content-digest"],
    )
    if request.authority not in receiver.authorities or to != receiver.organisation:  # step 5
        raise _not_authenticated(f"addressed to {to} at {request.authority!r}, which is not here")
    values = request_values(endpoint, request.authority, digest, from_, to)
    base = signature_base(endpoint.identifiers, values, signature.params)
    key = _find_key(receiver, from_, signature, base, at)  # step 6
    if not verify(key.public, signature.signature, base):  # step 7
        raise _not_authenticated(f"the signature of {from_} does not verify")
    binding = Binding(
        endpoint=endpoint,
        authority=request.authority,
        from_=from_,
        to=to,
        content_digest=digest,
        params=signature.params,
        signature=signature.member,
        nonce=signature.nonce,
        kid=key.kid,
        public=key.public,
    )
    return binding, signature


def _read_head(request: RawRequest) -> tuple[Endpoint, dict[str, str]]:
    endpoint = endpoint_at(request.method, request.path)
    if endpoint is None:
        raise Refused(Code.UNKNOWN_ENDPOINT, "method and path are not in the profile's table")
    if len(request.body) > MAX_QUERY_BYTES:
        raise Refused(Code.TOO_LARGE, f"the body has more than {MAX_QUERY_BYTES} bytes")
    try:
        fields = read_fields(request.headers, _READ)
    except FieldsTooLarge as error:
        raise Refused(Code.HEADERS_TOO_LARGE, str(error)) from None
    except FieldsMalformed as error:
        raise _malformed(str(error)) from None
    if request.query:
        raise _malformed("the target has a query; no endpoint takes one")
    _check_content(request, endpoint, fields)
    missing = [name for name in _NAMES if name not in fields]
    if missing:
        raise _malformed(f"the field {missing[0]} is missing")
    if not is_content_digest(fields["content-digest"]):
        raise _malformed("Content-Digest is not one canonical sha-256 digest")
    if not is_organisation(fields["interlingua-from"]):
        raise _malformed("Interlingua-From is not an organisation's name")
    return endpoint, fields


def _check_content(request: RawRequest, endpoint: Endpoint, fields: dict[str, str]) -> None:
    if "content-encoding" in fields:
        raise Refused(Code.UNSUPPORTED_MEDIA_TYPE, "the body has a content encoding")
    if endpoint.content_type is None:
        if request.body:
            raise _malformed(f"a request to {endpoint.path} has no body")
    elif fields.get("content-type") != endpoint.content_type:
        raise Refused(
            Code.UNSUPPORTED_MEDIA_TYPE, f"the content type is not {endpoint.content_type}"
        )


def _read_signature(fields: dict[str, str], endpoint: Endpoint) -> SignatureFields:
    try:
        signature = parse_signature(fields["signature-input"], fields["signature"], REQUEST_LABEL)
    except SignatureMalformed as error:
        raise Refused(Code.SIGNATURE_MALFORMED, str(error)) from None
    if signature.tag != endpoint.tag:
        raise Refused(Code.SIGNATURE_MALFORMED, f"the signature's tag is not {endpoint.tag}")
    return signature


def _check_window(signature: SignatureFields, at: int) -> None:
    if signature.created > at + CLOCK_SKEW_S:
        raise _outside(f"it was made {signature.created - at} s in the future")
    if signature.expires < at - CLOCK_SKEW_S:
        raise _outside(f"it expired {at - signature.expires} s ago")
    if not 0 < signature.expires - signature.created <= SIGNATURE_LIFETIME_S:
        raise _outside(f"it lives for {signature.expires - signature.created} s")


def _find_key(
    receiver: ReceiverContext, from_: str, signature: SignatureFields, base: bytes, at: int
) -> KeyRecord:
    ring = receiver.sender_ring(from_)
    try:
        if ring is not None:
            return ring.usable(signature.kid, "sign", at)
        detail = f"{from_} is not a partner"
    except KeyRefused as error:
        detail = f"{from_}: {error}"
    verify(_DECOY, signature.signature, base)
    raise _not_authenticated(detail)


def _malformed(detail: str) -> Refused:
    return Refused(Code.MALFORMED_REQUEST, detail)


def _outside(detail: str) -> Refused:
    return Refused(Code.OUTSIDE_TIME_WINDOW, detail)


def _not_authenticated(detail: str) -> Refused:
    return Refused(Code.NOT_AUTHENTICATED, detail)
