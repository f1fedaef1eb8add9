"""A signed request, changed in one place: what a receiver must make of each change.

Tables of name -> (change, code). The tests run them, and tests/vectors/requests.json holds them for
other implementations.
"""

from collections.abc import Callable
from dataclasses import replace

from protocol.accept_query import RawRequest
from protocol.canonical import digest
from protocol.content_digest import content_digest
from protocol.limits import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_HEADERS_BYTES,
    MAX_QUERY_BYTES,
)
from protocol.problems import Code
from protocol.profile import OFFERS, QUERY
from tests.protocol.exchange import (
    AT,
    AUTHORITY,
    CLINIC_SIGN,
    HOSPITAL,
    QUESTION,
    STRANGER,
)
from tests.protocol.resign import header, parameters_of, resign_request, with_header

Change = Callable[[RawRequest], RawRequest]

OTHER_BODY_DIGEST = content_digest(bytes.fromhex(digest(b"{}").removeprefix("sha256:")))


def field(name: str, value: str | bytes) -> Change:
    return lambda raw: replace(raw, headers=with_header(list(raw.headers), name, value))


def in_field(name: str, old: str, new: str) -> Change:
    def change(raw: RawRequest) -> RawRequest:
        before = header(raw, name)
        assert old in before
        return field(name, before.replace(old, new, 1))(raw)

    return change


def without(name: str) -> Change:
    return lambda raw: replace(
        raw, headers=[(n, v) for n, v in raw.headers if n.lower() != name.lower().encode()]
    )


def added(name: str, value: str) -> Change:
    return lambda raw: replace(raw, headers=[*raw.headers, (name.encode(), value.encode())])


def part(**changes: object) -> Change:
    return lambda raw: replace(raw, **changes)  # type: ignore[arg-type]  # fields by name


def resigned(**changes: int | str) -> Change:
    """The partner itself signs other parameters."""
    return lambda raw: resign_request(raw, parameters_of(header(raw, "signature-input")) | changes)


def covering(*names: str) -> Change:
    """The partner itself covers other components."""
    return lambda raw: resign_request(raw, identifiers=[f'"{name}"' for name in names])


def other_signature(raw: RawRequest) -> RawRequest:
    """Another first character in the signature."""
    before = header(raw, "signature")
    return field("signature", before[:3] + ("B" if before[3] == "A" else "A") + before[4:])(raw)


# One covered item changed at a time, after signing.
CHANGED: dict[str, tuple[Change, Code]] = {
    "@method": (part(method="PUT"), Code.UNKNOWN_ENDPOINT),
    "@method to another endpoint's": (part(method="GET"), Code.UNKNOWN_ENDPOINT),
    "@method in lower case": (part(method="post"), Code.UNKNOWN_ENDPOINT),
    "@authority": (part(authority="bank.example"), Code.NOT_AUTHENTICATED),
    "@authority in upper case": (part(authority=AUTHORITY.upper()), Code.NOT_AUTHENTICATED),
    "@authority, empty": (part(authority=""), Code.NOT_AUTHENTICATED),
    "@path": (part(path="/federation/v1/other"), Code.UNKNOWN_ENDPOINT),
    "@path with a slash": (part(path=QUERY.path + "/"), Code.UNKNOWN_ENDPOINT),
    "@path, escaped": (part(path="/federation/v1/%71uery"), Code.UNKNOWN_ENDPOINT),
    "@path of another endpoint": (part(path=OFFERS.path), Code.UNKNOWN_ENDPOINT),
    "@query": (part(query="a=b"), Code.MALFORMED_REQUEST),
    "content-type": (field("content-type", "text/plain"), Code.UNSUPPORTED_MEDIA_TYPE),
    "content-type with a parameter": (
        field("content-type", "application/json; charset=utf-8"),
        Code.UNSUPPORTED_MEDIA_TYPE,
    ),
    "content-digest": (field("content-digest", OTHER_BODY_DIGEST), Code.NOT_AUTHENTICATED),
    "interlingua-from": (field("interlingua-from", "bank.example"), Code.NOT_AUTHENTICATED),
    "interlingua-to": (field("interlingua-to", "bank.example"), Code.NOT_AUTHENTICATED),
    "created": (in_field("signature-input", f"={AT};", f"={AT + 1};"), Code.NOT_AUTHENTICATED),
    "keyid": (
        in_field("signature-input", CLINIC_SIGN.kid, STRANGER.kid),
        Code.NOT_AUTHENTICATED,
    ),
    "alg": (in_field("signature-input", "ed25519", "hmac-sha256"), Code.SIGNATURE_MALFORMED),
    "expires": (
        in_field("signature-input", f"={AT + 60};", f"={AT + 59};"),
        Code.NOT_AUTHENTICATED,
    ),
    "nonce": (in_field("signature-input", 'nonce="A', 'nonce="B'), Code.NOT_AUTHENTICATED),
    "tag": (in_field("signature-input", "query-v1", "query-v2"), Code.SIGNATURE_MALFORMED),
    "tag of another endpoint": (
        in_field("signature-input", "query-v1", "offers-v1"),
        Code.SIGNATURE_MALFORMED,
    ),
    "a covered component": (
        in_field("signature-input", '"@path"', '"@target-uri"'),
        Code.SIGNATURE_COVERAGE,
    ),
    "the order of components": (
        in_field("signature-input", '"@method" "@authority"', '"@authority" "@method"'),
        Code.SIGNATURE_COVERAGE,
    ),
    "the signature": (other_signature, Code.NOT_AUTHENTICATED),
    "the body": (part(body=QUESTION.encode().replace(b'"k":3', b'"k":9')), Code.NOT_AUTHENTICATED),
    "the body, truncated": (part(body=QUESTION.encode()[:-1]), Code.NOT_AUTHENTICATED),
    "the body, extended": (part(body=QUESTION.encode() + b" "), Code.NOT_AUTHENTICATED),
    "the body, missing": (part(body=b""), Code.NOT_AUTHENTICATED),
}

# The form of header fields.
MALFORMED: dict[str, tuple[Change, Code]] = {
    "a padded value": (field("interlingua-to", f" {HOSPITAL}"), Code.MALFORMED_REQUEST),
    "an empty value": (field("interlingua-to", ""), Code.MALFORMED_REQUEST),
    "a control character": (field("interlingua-to", "a\tb"), Code.MALFORMED_REQUEST),
    "a line break": (field("interlingua-to", "a\nb"), Code.MALFORMED_REQUEST),
    "not ASCII": (field("interlingua-from", "klinik.bücher.example"), Code.MALFORMED_REQUEST),
    "not UTF-8": (field("interlingua-from", b"\xff\xfe"), Code.MALFORMED_REQUEST),
    "an upper-case organisation": (field("interlingua-from", "Clinic"), Code.MALFORMED_REQUEST),
    "a digest of another kind": (
        field("content-digest", f"sha-512=:{'A' * 86}==:"),
        Code.MALFORMED_REQUEST,
    ),
    "two digests": (
        in_field("content-digest", "sha-256=", f"sha-512=:{'A' * 86}==:, sha-256="),
        Code.MALFORMED_REQUEST,
    ),
    "a digest with stray bits": (in_field("content-digest", "0=:", "1=:"), Code.MALFORMED_REQUEST),
    "a digest without padding": (in_field("content-digest", "=:", ":"), Code.MALFORMED_REQUEST),
    "a content encoding": (added("Content-Encoding", "gzip"), Code.UNSUPPORTED_MEDIA_TYPE),
    "the identity encoding": (added("content-encoding", "identity"), Code.UNSUPPORTED_MEDIA_TYPE),
    "one long value": (
        field("interlingua-from", "a" * (MAX_HEADER_BYTES + 1)),
        Code.HEADERS_TOO_LARGE,
    ),
    "one long value that is not read": (
        added("Cookie", "a" * MAX_HEADERS_BYTES),
        Code.HEADERS_TOO_LARGE,
    ),
    "many fields": (
        lambda raw: replace(raw, headers=[*raw.headers, *[(b"x", b"y")] * MAX_HEADERS]),
        Code.HEADERS_TOO_LARGE,
    ),
    "a large body": (part(body=b" " * (MAX_QUERY_BYTES + 1)), Code.TOO_LARGE),
}

# The form of the signature.
SIGNATURE_FORM: dict[str, tuple[Change, Code]] = {
    "another label": (lambda raw: resign_request(raw, label="a"), Code.SIGNATURE_MALFORMED),
    "another label in one field": (in_field("signature", "q=", "a="), Code.SIGNATURE_MALFORMED),
    "two signatures": (
        lambda raw: in_field("signature", "q=", f"{header(raw, 'signature')}, x=")(
            in_field("signature-input", "q=", f"{header(raw, 'signature-input')}, x=")(raw)
        ),
        Code.SIGNATURE_MALFORMED,
    ),
    "a second signature input": (
        in_field("signature-input", "q=", "x=(), q="),
        Code.SIGNATURE_MALFORMED,
    ),
    "a short signature": (field("signature", "q=:AAAA:"), Code.SIGNATURE_MALFORMED),
    "no byte sequence": (field("signature", 'q="abc"'), Code.SIGNATURE_MALFORMED),
    "a space before a parameter": (
        in_field("signature-input", ";created", "; created"),
        Code.SIGNATURE_MALFORMED,
    ),
    "a leading zero": (
        in_field("signature-input", "created=", "created=0"),
        Code.SIGNATURE_MALFORMED,
    ),
    "a negative time": (
        in_field("signature-input", "created=", "created=-"),
        Code.SIGNATURE_MALFORMED,
    ),
    "a decimal": (in_field("signature-input", f"={AT};", f"={AT}.0;"), Code.SIGNATURE_MALFORMED),
    "a huge time": (
        in_field("signature-input", f"={AT};", f"={10**15};"),
        Code.SIGNATURE_MALFORMED,
    ),
    "a short nonce": (in_field("signature-input", 'nonce="A', 'nonce="'), Code.SIGNATURE_MALFORMED),
    "a nonce with stray bits": (
        in_field("signature-input", 'Dw";tag', 'Dx";tag'),
        Code.SIGNATURE_MALFORMED,
    ),
    "a key id with stray bits": (
        in_field("signature-input", CLINIC_SIGN.kid, f"{CLINIC_SIGN.kid[:-1]}d"),
        Code.SIGNATURE_MALFORMED,
    ),
    "a token": (
        in_field("signature-input", 'alg="ed25519"', "alg=ed25519"),
        Code.SIGNATURE_MALFORMED,
    ),
    "no list": (field("signature-input", 'q="@method"'), Code.SIGNATURE_MALFORMED),
    "an open list": (field("signature-input", 'q=("@method"'), Code.SIGNATURE_MALFORMED),
    "two spaces between components": (
        in_field("signature-input", '"@method" ', '"@method"  '),
        Code.SIGNATURE_COVERAGE,
    ),
    "a component twice": (
        in_field("signature-input", '"@method"', '"@method" "@method"'),
        Code.SIGNATURE_COVERAGE,
    ),
    "a component with a parameter": (
        in_field("signature-input", '"content-type"', '"content-type";sf'),
        Code.SIGNATURE_COVERAGE,
    ),
}

# What a partner with a valid key signs out of profile.
SIGNED: dict[str, tuple[Change, Code]] = {
    "a long life": (resigned(expires=AT + 61), Code.OUTSIDE_TIME_WINDOW),
    "no life": (resigned(expires=AT), Code.OUTSIDE_TIME_WINDOW),
    "a life that ends before it starts": (resigned(expires=AT - 1), Code.OUTSIDE_TIME_WINDOW),
    "a future": (resigned(created=AT + 31, expires=AT + 60), Code.OUTSIDE_TIME_WINDOW),
    "a past": (resigned(created=AT - 80, expires=AT - 31), Code.OUTSIDE_TIME_WINDOW),
    "another algorithm": (resigned(alg="ed448"), Code.SIGNATURE_MALFORMED),
    "an answer's tag": (resigned(tag="interlingua-answer-v1"), Code.SIGNATURE_MALFORMED),
    "another key's id": (resigned(keyid=STRANGER.kid), Code.NOT_AUTHENTICATED),
    "a longer nonce": (resigned(nonce="A" * 43), Code.SIGNATURE_MALFORMED),
    "fewer components": (covering("@method", "@authority"), Code.SIGNATURE_COVERAGE),
    "more components": (
        covering(*(str(c).strip('"') for c in QUERY.components), "accept"),
        Code.SIGNATURE_COVERAGE,
    ),
    "an unknown parameter": (resigned(context="x"), Code.SIGNATURE_MALFORMED),
}
