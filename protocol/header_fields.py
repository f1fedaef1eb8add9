"""Reading the header fields that the profile names, each exactly once.

The rule of this file: sizes are checked before anything is looked at; a field that the profile
reads stands there once, in printable ASCII without surrounding spaces, or the message is refused;
other fields are not looked at, because nothing may depend on what no signature covers.
"""

from collections.abc import Iterable
from functools import lru_cache

from protocol.limits import MAX_HEADER_BYTES, MAX_HEADERS, MAX_HEADERS_BYTES

RawHeaders = Iterable[tuple[bytes, bytes]]
"""Names and values as they came, in wire order, the space around values removed."""


class FieldsMalformed(ValueError):
    """The header fields are not acceptable."""


class FieldsTooLarge(FieldsMalformed):
    """There are too many or too long header fields."""


def read_fields(headers: RawHeaders, wanted: frozenset[bytes]) -> dict[str, str]:
    """Return the values of `wanted` (lower-case names) by name.

    A name that does not occur is missing from the result. Raises FieldsTooLarge, and
    FieldsMalformed where a wanted field is doubled or holds anything but printable ASCII.
    """
    total = 0
    keys = _keys(wanted)
    fields: dict[str, str] = {}
    for count, (name, value) in enumerate(headers, 1):
        total += len(name) + len(value)
        if count > MAX_HEADERS or total > MAX_HEADERS_BYTES:
            raise FieldsTooLarge(
                f"more than {MAX_HEADERS} header fields or {MAX_HEADERS_BYTES} bytes of them"
            )
        key = keys.get(name) or keys.get(name.lower())
        if key is not None:
            if key in fields:
                raise FieldsMalformed(f"the field {key} stands there twice")
            fields[key] = _text(key, value)
    return fields


@lru_cache(maxsize=16)
def _keys(wanted: frozenset[bytes]) -> dict[bytes, str]:
    """Return wanted names as text, by their lower-case and their usual spelling."""
    return {spelled: n.decode("ascii") for n in wanted for spelled in (n, n.title())}


def _text(name: str, value: bytes) -> str:
    if len(value) > MAX_HEADER_BYTES:
        raise FieldsTooLarge(f"the field {name} has more than {MAX_HEADER_BYTES} bytes")
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        raise FieldsMalformed(f"the field {name} is not ASCII") from None
    if not text or not text.isprintable() or text[0] == " " or text[-1] == " ":
        raise FieldsMalformed(f"the field {name} is empty, padded or holds control characters")
    return text
