"""One sequence of bytes for one value, so that both sides compute the same digest.

The rule of this file: canonical JSON is RFC 8785 over a subset that leaves nothing to interpret:
objects with ASCII names, lists, strings, integers within +-(2^53-1), true, false and null. Floats
are refused (their printed form is the hard part of RFC 8785, and no protocol field needs one).
In this subset sorting names by bytes is RFC 8785's sorting by UTF-16 code units.

Canonical bytes are computed to be hashed or signed. What arrives is verified over its raw bytes.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import orjson

MAX_DEPTH = 64
"""Deepest nesting of lists and objects that `dumps` writes."""

_MAX_INT = 2**53 - 1
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_SUBCLASS


class NotCanonical(ValueError):
    """The value lies outside the subset: a float, a large integer, a strange key or type."""


def dumps(obj: Any) -> bytes:
    """Return the canonical bytes of a value made of dict, list, tuple, str, int, bool and None.

    Exact types only: an enumeration or another subclass is refused, so that its text form is never
    a matter of a library's taste. Raises NotCanonical.
    """
    _check(obj, MAX_DEPTH)
    try:
        return orjson.dumps(obj, option=_OPTIONS)
    except orjson.JSONEncodeError as error:  # a lone surrogate
        raise NotCanonical(f"the value has no canonical form: {error}") from None


def dumps_typed(obj: Any, members: Callable[[Any], Any] | None = None) -> bytes:
    """Return what `dumps` does, for a value whose types a strict model without floats has fixed.

    Nothing is looked at twice: for what is written ten thousand times a second. `members` gives
    what stands for a value of any other type. Raises NotCanonical for an integer that is too large,
    and for a value that has no members.
    """
    try:
        return orjson.dumps(obj, default=members, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        raise NotCanonical(f"the value has no canonical form: {error}") from None


def is_canonical(raw: bytes) -> bool:
    """Tell whether JSON is spelled as `dumps` spells the value that a parser reads in it."""
    try:
        return orjson.dumps(orjson.loads(raw), option=_OPTIONS) == raw
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return False


def digest(raw: bytes) -> str:
    """Return `sha256:` and the 64 lower-case hexadecimal digits of the SHA-256 of `raw`."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def _check(obj: Any, depth: int) -> None:
    kind = type(obj)
    if kind is str or kind is bool or obj is None:
        return
    if kind is int:
        if not -_MAX_INT <= obj <= _MAX_INT:
            raise NotCanonical("an integer lies outside +-(2^53-1); send it as a string")
        return
    for value in _values(obj, depth):
        if type(value) is not str:  # most values are text: no call for each of them
            _check(value, depth - 1)


def _values(obj: Any, depth: int) -> Iterable[Any]:
    kind = type(obj)
    if kind is not dict and kind is not list and kind is not tuple:
        raise NotCanonical(f"{kind.__name__} has no canonical form here; convert it first")
    if depth == 0:
        raise NotCanonical(f"the value is nested deeper than {MAX_DEPTH} levels")
    if kind is not dict:
        return obj  # type: ignore[no-any-return]  # a list or a tuple of anything
    for key in obj:
        if type(key) is not str or not key.isascii():
            raise NotCanonical("an object has a name that is not ASCII text")
    return obj.values()  # type: ignore[no-any-return]  # of a dict of anything
