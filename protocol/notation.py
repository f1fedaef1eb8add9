"""How names, digests, keys, times and bytes are written in every document that crosses.

The rule of this file: one notation for one thing, with its length bounded, so that two documents
that mean the same write the same. Times are whole seconds since 1970-01-01 UTC; bytes are base64url
without padding and without stray bits; vectors alone use standard base64 (protocol/vectors.py).

`WireModel` is the frame of every such document: frozen, unknown fields refused, and strict, so that
`"1"` and `1.0` and `true` are never the integer 1.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from protocol.limits import MAX_URL_CHARS

MAX_SAFE_INTEGER = 2**53 - 1

_ORGANISATION = r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])"

_ORGANISATION_RE = re.compile(_ORGANISATION)

Organisation = Annotated[str, StringConstraints(pattern=_ORGANISATION, max_length=253)]
"""A domain-like lower-case name: `clinic.example`."""

_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_NAME_RE = re.compile(_NAME)

CollectionName = Annotated[str, StringConstraints(pattern=_NAME)]
"""A collection of one organisation: `papers-2026`."""

PurposeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
"""What a question is for, as a grant names it: `clinical-research`."""

Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""A short lower-case term of a vocabulary: `mean`, `ridge`, `overlap_at_10`."""

# the control characters (Cc) by number: generated schemas are read by engines that know no classes
_LINE = r"^[^\u0000-\u001F\u007F-\u009F\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]+$"

Text = Annotated[
    str,
    StringConstraints(pattern=_LINE, max_length=256),
]
"""One line of text, 1 to 256 characters. No control characters, line or paragraph separators, and
no marks that turn the writing direction: what an operator reads is what was written."""

LongText = Annotated[
    str,
    StringConstraints(pattern=_LINE, max_length=4096),
]
"""Like Text, up to 4096 characters."""

NoteText = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
"""A signed note (C2SP signed-note) as text, line breaks and all, up to 4096 characters."""

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""SHA-256 of some bytes, written `sha256:` and 64 lower-case hexadecimal digits."""

SpaceId = Digest
"""The digest of an envelope's space-defining fields (protocol/envelope.py)."""

KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""RFC 7638 thumbprint of an Ed25519 public key."""

Base64url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=4096)]
"""Bytes in base64url without padding (RFC 4648 section 5)."""

Bits128 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{21}[AQgw]$")]
"""128 random bits in base64url without padding or stray bits: salts, nonces, question ids."""

Opaque = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
"""A name that only its author interprets: printable ASCII without spaces."""

Url = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=MAX_URL_CHARS)]
"""An address for people or programs outside this protocol."""

Authority = Annotated[str, StringConstraints(pattern=rf"^{_HOST}(?::[1-9][0-9]{{0,4}})?$")]
"""Host and port as `@authority` writes them (RFC 9421 section 2.2.3): lower case, default port
left out: `clinic.example:8443`, `clinic.example`, `[::1]:8443`."""

BaseUrl = Annotated[str, StringConstraints(pattern=rf"^https?://{_HOST}(?::[1-9][0-9]{{0,4}})?$")]
"""Scheme and authority, no path, no slash at the end: `https://clinic.example:8443`."""

Time = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]
"""Whole seconds since 1970-01-01 UTC, leap seconds not counted."""

Count = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]
Version1 = Annotated[int, Field(ge=1, le=1)]
"""The format version 1. (`Literal[1]` would also take `true`, which Python holds equal to 1.)"""

Ordinal = Annotated[int, Field(ge=1, le=MAX_SAFE_INTEGER)]
"""Versions and serials: they start at 1 and only grow."""


class WireModel(BaseModel):
    """The frame of a document that crosses between organisations."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with fields changed, unvalidated, as pydantic does.

        pydantic also copies what was computed once from the old fields: a changed envelope would
        keep its space id, a changed root document its ring of keys. Here a copy computes anew.
        """
        copied = super().model_copy(update=update, deep=deep)
        for name in set(copied.__dict__) - set(type(self).model_fields):
            del copied.__dict__[name]
        return copied


def is_organisation(name: str) -> bool:
    """Tell whether `name` is an organisation's name in the one notation."""
    return len(name) <= 253 and _ORGANISATION_RE.fullmatch(name) is not None


def is_name(text: str) -> bool:
    """Tell whether `text` may name a collection or a shared space, and so stand in a command."""
    return _NAME_RE.fullmatch(text) is not None


def to_base64url(raw: bytes) -> str:
    """Write bytes in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Read base64url without padding; ValueError for any other spelling of the same bytes."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("not base64url; write A-Z a-z 0-9 - _ without padding") from None
    if to_base64url(raw) != text:
        raise ValueError("not canonical base64url; leave out padding, spaces and stray bits")
    return raw
