"""Reading many leaves that differ only where any value is as good as another.

Rule of this file: a form is learned from a leaf that `decode_leaf` has accepted, and accepts bytes
only where every place in which they differ from that leaf takes all values of its kind: counts and
times, digests, the salt, the signature, and of the signature's parameters creation, expiry and
nonce. All else must be byte for byte the same. So what a form accepts, `decode_leaf` would accept;
what it does not accept is read the long way, and is wrong or not.
"""

import re
from binascii import a2b_base64
from typing import Any, NamedTuple

import orjson

from protocol.canonical import dumps_typed
from protocol.evidence import Evidence
from protocol.leaf import AnyLeaf
from protocol.limits import MAX_LEAF_BYTES
from protocol.log_errors import MalformedLeaf

COUNTS = (
    *("agreement_until", "at", "charged", "epoch", "exposed", "first", "k"),
    *("offers", "results", "vectors"),
)
"""Members of leaves with evidence that are whole numbers from 0 on, and nothing else of them."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CONTENT_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{43}=:")
_PARAMETERS = re.compile(
    r"([a-z]+=\([^()]*\));created=([1-9][0-9]{9});expires=([1-9][0-9]{9})"
    r';nonce="([A-Za-z0-9_-]+)"(.*)'
)
_MARK = "@@"
_ALWAYS = ("at", "_body", "query", "_signature", "_input", "_created")


class Alike(NamedTuple):
    """What a leaf of a known form says where it differs from the one the form was learned from.

    ``answer``: the 64 hexadecimal digits of its digest; ``signed``: public key, signature and
    signature base; ``created``: when the request was signed; ``for_body``: whether the digest that
    was signed is that of the query in the leaf.
    """

    at: int
    charged: int
    exposed: int
    answer: str | None
    signed: tuple[bytes, bytes, bytes]
    created: int
    for_body: bool


class LeafForm:
    """All leaves that are like one; ``like`` is that leaf, whose evidence it carries."""

    def __init__(
        self, like: AnyLeaf, pattern: re.Pattern[bytes], base: tuple[bytes, bytes]
    ) -> None:
        evidence: Evidence = like.evidence  # type: ignore[union-attr]  # `learn` has looked
        self.like = like
        self.kid: str = like.key  # type: ignore[union-attr]  # as above
        self._match = pattern.fullmatch
        self._before, self._between = base
        self._label = len(evidence.signature_input.partition("=")[0]) + 1
        self._public = evidence.signed_by(like.key)[0]  # type: ignore[union-attr]  # as above
        more = ("charged", "exposed", "answer")
        self._names = tuple(name for name in (*_ALWAYS, *more) if name in pattern.groupindex)
        self._has = tuple(name in pattern.groupindex for name in more)

    def read(self, raw: bytes) -> Alike | None:
        """Return what the leaf says, None where it is not of this form."""
        found = self._match(raw)
        if found is None or len(raw) > MAX_LEAF_BYTES:
            return None
        at, body, query, signature, parameters, created, *more = found.group(*self._names)
        charged, exposed, answer = self._has
        unquoted = parameters[self._label :].replace(b'\\"', b'"')
        base = b"%b%b%b%b" % (self._before, body, self._between, unquoted)
        return Alike(
            int(at),
            int(more[0]) if charged else 0,
            int(more[charged]) if exposed else 0,
            more[-1].decode() if answer else None,
            (self._public, a2b_base64(signature), base),
            int(created),
            a2b_base64(body) == bytes.fromhex(query.decode()),
        )


def learn(raw: bytes, leaf: AnyLeaf) -> LeafForm | None:
    """Return the form of a leaf with evidence that `decode_leaf` has read from these bytes.

    None where it has none: its request is not signed as usual, or proves nothing.
    """
    evidence: Evidence | None = getattr(leaf, "evidence", None)
    parameters = _PARAMETERS.fullmatch(evidence.signature_input) if evidence else None
    if evidence is None or parameters is None or _MARK.encode() in raw or b"\\\\" in raw:
        return None
    try:
        base = evidence.signed_by(leaf.key)[2]  # type: ignore[union-attr]  # it has evidence
    except MalformedLeaf:
        return None
    body = evidence.component("content-digest") or ""
    parts = base.partition(b'"@signature-params": ')
    line = b'"content-digest": %b\n' % body.encode()
    if _CONTENT_DIGEST.fullmatch(body) is None or parts[0].count(line) != 1:
        return None
    before, _, between = parts[0].partition(line)
    pattern = re.compile(_pattern(orjson.loads(raw), parameters))
    if pattern.fullmatch(raw) is None:
        return None
    return LeafForm(
        leaf, pattern, (before + b'"content-digest": sha-256=:', b":\n" + between + parts[1])
    )


def _pattern(said: dict[str, Any], parameters: re.Match[str]) -> bytes:
    """Write the leaf anew with a mark where it may differ, and a group where each mark stood."""
    groups: dict[bytes, bytes] = {}

    def mark(name: str, group: bytes, quote: str = "") -> str:
        text = f"{_MARK}{name}{_MARK}"
        groups[re.escape(f"{quote}{text}{quote}".encode())] = group
        return text

    for name, value in said.items():
        if name in COUNTS:  # a number has no quotes, and its mark has
            said[name] = mark(name, b"(?P<%b>0|[1-9][0-9]{0,14})" % name.encode(), '"')
        elif isinstance(value, str) and _DIGEST.fullmatch(value):
            said[name] = "sha256:" + mark(name, b"(?P<%b>[0-9a-f]{64})" % name.encode())
    said["salt"] = mark("salt", b"[A-Za-z0-9_-]{22}")
    evidence = said["evidence"]
    body = mark("body", b"(?P<_body>[A-Za-z0-9+/]{43}=)")
    evidence["components"] = [
        [name, f"sha-256=:{body}:" if name == "content-digest" else value]
        for name, value in evidence["components"]
    ]
    label, _, _ = evidence["signature"].partition("=")
    signature = mark("signature", b"(?P<_signature>[A-Za-z0-9+/]{86}==)")
    evidence["signature"] = f"{label}=:{signature}:"
    evidence["signature_input"] = mark("input", _input(parameters))
    pattern = re.escape(dumps_typed(said))
    for marked, group in groups.items():
        pattern = pattern.replace(marked, group)
    return pattern


def _input(parameters: re.Match[str]) -> bytes:
    """Return a pattern of what stands between the quotes of `signature_input`."""
    names, rest = (re.escape(dumps_typed(parameters[n])[1:-1]) for n in (1, 5))
    return (
        b"(?P<_input>%b;created=(?P<_created>[1-9][0-9]{9});expires=[1-9][0-9]{9}"
        b';nonce=\\\\"[A-Za-z0-9_-]{%d}\\\\"%b)' % (names, len(parameters[4]), rest)
    )
