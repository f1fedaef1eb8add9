"""A signed answer, changed in one place: what the asker must make of each change.

Tables of name -> (change, reason). The tests run them, and tests/vectors/answers.json holds them
for other implementations.
"""

from collections.abc import Callable
from dataclasses import replace

from protocol.accept_answer import RawAnswer
from protocol.content_digest import content_digest
from protocol.limits import MAX_ANSWER_BYTES, MAX_HEADERS_BYTES
from protocol.problems import PROBLEM_TYPE
from tests.protocol.exchange import (
    AT,
    HOSPITAL_LOG,
    HOSPITAL_SIGN,
    STRANGER,
    signed,
)
from tests.protocol.resign import header, parameters_of, resign_answer, with_header

Change = Callable[[RawAnswer], RawAnswer]

REQUEST = signed()


def field(name: str, value: str | bytes) -> Change:
    return lambda raw: replace(raw, headers=with_header(list(raw.headers), name, value))


def in_field(name: str, old: str, new: str) -> Change:
    def change(raw: RawAnswer) -> RawAnswer:
        before = header(raw, name)
        assert old in before
        return field(name, before.replace(old, new, 1))(raw)

    return change


def without(*names: str) -> Change:
    low = {name.lower().encode() for name in names}
    return lambda raw: replace(
        raw, headers=[(n, v) for n, v in raw.headers if n.lower() not in low]
    )


def added(name: str, value: str) -> Change:
    return lambda raw: replace(raw, headers=[*raw.headers, (name.encode(), value.encode())])


def resigned(**changes: int | str) -> Change:
    return lambda raw: resign_answer(
        raw, REQUEST, parameters_of(header(raw, "signature-input")) | changes
    )


def other_signature(raw: RawAnswer) -> RawAnswer:
    """Another first character in the signature."""
    before = header(raw, "signature")
    return field("signature", before[:3] + ("B" if before[3] == "A" else "A") + before[4:])(raw)


# One item changed at a time after signing.
CHANGED: dict[str, tuple[Change, str]] = {
    "@status": (lambda raw: replace(raw, status=201), "signature"),
    "content-type": (field("content-type", PROBLEM_TYPE), "signature"),
    "content-type of no answer": (field("content-type", "text/html"), "malformed"),
    "content-digest": (
        field("content-digest", content_digest(b"\x00" * 32)),
        "signature",
    ),
    "the body": (
        lambda raw: replace(raw, body=raw.body.replace(b'"bin":9', b'"bin":8')),
        "digest",
    ),
    "the body, truncated": (lambda raw: replace(raw, body=raw.body[:-1]), "digest"),
    "the body, missing": (lambda raw: replace(raw, body=b""), "digest"),
    "created": (in_field("signature-input", f"={AT};", f"={AT + 1};"), "signature"),
    "keyid": (in_field("signature-input", HOSPITAL_SIGN.kid, STRANGER.kid), "key"),
    "alg": (in_field("signature-input", "ed25519", "ed448"), "malformed"),
    "expires": (in_field("signature-input", f"={AT + 60};", f"={AT + 59};"), "signature"),
    "nonce": (in_field("signature-input", 'nonce="A', 'nonce="B'), "signature"),
    "tag": (in_field("signature-input", "answer-v1", "query-v1"), "malformed"),
    "a covered component": (in_field("signature-input", '"@path";req', '"@scheme"'), "coverage"),
    "a component without req": (in_field("signature-input", '"@path";req', '"@path"'), "coverage"),
    "the order of components": (
        in_field("signature-input", '"@status" "content-type"', '"content-type" "@status"'),
        "coverage",
    ),
    "the signature": (other_signature, "signature"),
    "the label": (
        lambda raw: in_field("signature", "a=", "q=")(in_field("signature-input", "a=", "q=")(raw)),
        "malformed",
    ),
    "two signatures": (in_field("signature-input", "a=", "x=(), a="), "malformed"),
    "a content encoding": (added("Content-Encoding", "gzip"), "malformed"),
    "too many bytes of header fields": (added("X", "a" * MAX_HEADERS_BYTES), "malformed"),
    "too many bytes": (lambda raw: replace(raw, body=b" " * (MAX_ANSWER_BYTES + 1)), "malformed"),
    "another digest": (field("content-digest", f"sha-512=:{'A' * 86}==:"), "malformed"),
    "no signature": (without("Signature", "Signature-Input"), "unsigned"),
}

# What the partner itself signs out of profile.
SIGNED: dict[str, tuple[Change, str]] = {
    "a long life": (resigned(expires=AT + 61), "time"),
    "no life": (resigned(expires=AT), "time"),
    "a future": (resigned(created=AT + 31), "time"),
    "another tag": (resigned(tag="interlingua-query-v1"), "malformed"),
    "another nonce": (resigned(nonce="A" * 22), "signature"),
    "another key's id": (resigned(keyid=STRANGER.kid), "key"),
    "an unknown parameter": (resigned(context="x"), "malformed"),
    "another label": (lambda raw: resign_answer(raw, REQUEST, label="q"), "malformed"),
    "its log key": (resigned(keyid=HOSPITAL_LOG.kid), "key"),
}
