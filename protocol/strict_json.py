"""JSON that two readers cannot read differently, judged before anybody is authenticated.

The rule of this file: `parse` accepts one object in UTF-8 and nothing that is ambiguous or
expensive: no byte order mark, doubled name, NaN, Infinity, number beyond +-(2^53-1), lone
surrogate, deep nesting or excessive number of values. Anything else is one named error.

How it is fast on megabytes of base64: everything between quotes is cut away by C functions
(`split`), and only that skeleton of brackets, colons and numbers is judged. Each colon of the
skeleton is one member of an object, so a document whose parsed objects hold fewer members than the
skeleton has colons has a doubled name. A query of 4 MB takes about 10 ms, one of 3 kB 25 us.
"""

from math import isfinite
from typing import Any, Literal

import orjson

from protocol.limits import MAX_ANSWER_ITEMS
from protocol.notation import MAX_SAFE_INTEGER

Reason = Literal[
    "size", "encoding", "depth", "items", "syntax", "not-an-object", "duplicate", "number"
]

_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class StrictJsonError(Exception):
    """The bytes are not acceptable JSON; `reason` is a stable code, the text says what to change.

    The text never quotes the document.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


def parse(
    raw: bytes, max_bytes: int, max_depth: int, max_items: int = MAX_ANSWER_ITEMS
) -> dict[str, Any]:
    """Return the object that `raw` holds. Raises StrictJsonError, never another exception.

    `max_bytes` bounds the length of `raw`, `max_depth` the nesting (the object itself is level 1),
    `max_items` the number of values.
    """
    if len(raw) > max_bytes:
        raise StrictJsonError("size", f"the JSON has {len(raw)} bytes; at most {max_bytes} may be")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise StrictJsonError("encoding", "the JSON begins with a byte order mark; leave it out")
    skeleton = _without_strings(raw)
    if skeleton.count(b",") + skeleton.count(b"[") + skeleton.count(b"{") > max_items:
        raise StrictJsonError("items", f"the JSON holds more than {max_items} values")
    if _is_deeper(skeleton, max_depth):
        raise StrictJsonError("depth", f"the JSON is nested deeper than {max_depth} levels")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _syntax(raw, error) from None
    if not isinstance(document, dict):
        raise StrictJsonError("not-an-object", "the JSON is not an object")
    if _members(document) != skeleton.count(b":"):
        raise StrictJsonError("duplicate", "an object of the JSON names a member twice")
    return document


def _without_strings(raw: bytes) -> bytes:
    """Return what stands outside the quotes. Meaningful for valid JSON; harmless for other bytes.

    Escaped backslashes go first, then escaped quotes; every quote that is left delimits.
    """
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(raw.split(b'"')[0::2])


def _is_deeper(skeleton: bytes, max_depth: int) -> bool:
    """Tell whether brackets nest deeper than `max_depth`, or more than that are never closed.

    Each round takes away the innermost pairs, so what matches is gone after as many rounds as it is
    deep. A pair that is left then is deeper; what has no pair is no JSON, and the parser says so.
    """
    left = skeleton.translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(max_depth):
        left = left.replace(b"[]", b"")
        if not left:
            return False
    return b"[]" in left or left.count(b"[") > max_depth


def _syntax(raw: bytes, error: orjson.JSONDecodeError) -> StrictJsonError:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return StrictJsonError("encoding", "the JSON is not UTF-8")
    return StrictJsonError("syntax", f"this is not JSON (near line {error.lineno})")


def _members(document: dict[str, Any]) -> int:
    """Count the members of all objects, and refuse numbers that readers may read differently."""
    members = 0
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            members += len(value)
            value = value.values()
        for inner in value:
            kind = type(inner)
            if kind is dict or kind is list:
                waiting.append(inner)
            elif kind is int or kind is float:
                _check_number(inner)
    return members


def _check_number(value: float) -> None:
    if not isfinite(value) or abs(value) > MAX_SAFE_INTEGER:
        raise StrictJsonError("number", "a number lies outside +-(2^53-1); send it as a string")
