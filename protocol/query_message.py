"""The question, as it stands in the body of a signed request.

The rule of this file: `Query.parse` is the only way in. It judges bytes whose sender is known
(acceptance comes first), so what is wrong with them may be said to the sender. The body's digest is
taken over the raw bytes; nothing is ever written anew to verify it.
"""

import re
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Literal

import orjson
from pydantic import Field, ValidationError, model_validator

from protocol.envelope import Envelope
from protocol.limits import (
    MAX_K,
    MAX_QUERY_BYTES,
    MAX_QUERY_ITEMS,
    MAX_RESULTS,
)
from protocol.message_json import build, read_object
from protocol.metadata_filter import MetadataFilter
from protocol.notation import (
    Bits128,
    CollectionName,
    Digest,
    Opaque,
    PurposeName,
    SpaceId,
    Version1,
    WireModel,
)
from protocol.own_values import altered
from protocol.problems import Refused
from protocol.vectors import MAX_DATA_CHARS, Vectors

Granularity = Literal["boolean", "count", "ranks", "bins"]
GRANULARITIES: tuple[Granularity, ...] = ("boolean", "count", "ranks", "bins")
"""From the least to the most telling."""


class Query(WireModel):
    """One question of n vectors to one collection.

    `id` is the idempotency key: the same id with the same body is the same question for 24 hours.
    `salt` makes the body's digest unguessable. `granularity` asks for less than is granted; None
    takes what the grant gives. `actor` is a commitment to the person who asks, `agreement` the id
    of the contract under which it happens. `space` is the envelope's space id, the space in which
    the vectors lie; `route` names one adapter of the peer's card by its digest, None leaves the
    choice to the peer. `filter` narrows what is searched, by fields that the grant names. Under
    `commitment_key`, drawn for this question, the peer commits to the contents of the records that
    it shows, where the grant allows it.
    """

    v: Version1 = 1
    id: Bits128
    salt: Bits128
    collection: CollectionName
    purpose: PurposeName
    k: Annotated[int, Field(ge=1, le=MAX_K)]
    granularity: Granularity | None = None
    actor: Opaque | None = None
    agreement: Opaque | None = None
    space: SpaceId
    envelope: Envelope
    route: Digest | None = None
    filter: MetadataFilter | None = None
    commitment_key: Bits128 | None = None
    vectors: Vectors

    @model_validator(mode="after")
    def _bounded(self) -> "Query":
        if self.vectors.n * self.k > MAX_RESULTS:
            raise ValueError(f"vectors times k exceed {MAX_RESULTS}; split the batch")
        return self

    def encode(self) -> bytes:
        """Return the body: compact JSON in UTF-8, absent members left out."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def parse(cls, raw: bytes) -> "Query":
        """Return the question in an authenticated body; Refused with `message-invalid`.

        Of bodies that differ in id, salt and components alone, the first is judged whole and the
        others in these members, where they are spelled plainly.
        """
        return _as_one_before(raw) or _judged(raw)


def _judged(raw: bytes) -> Query:
    """Judge a body from its first byte to its last."""
    fields = read_object(raw, MAX_QUERY_BYTES, MAX_QUERY_ITEMS)
    with suppress(ValidationError, KeyError):  # what is wrong is said in its place, below
        fields["envelope"] = _envelope(orjson.dumps(fields["envelope"]))
    return build(Query, fields)


_BITS = rb"[A-Za-z0-9_-]{21}[AQgw]"
_HEAD = re.compile(rb'\{"v":1,"id":"(%b)","salt":"(%b)",' % (_BITS, _BITS))
_DATA, _END = b'"data":"', b'"}}'
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_BLANK_BITS, _BLANK_DATA = "A" * 22, "AAAA"
_BLANK_HEAD = f'{{"v":1,"id":"{_BLANK_BITS}","salt":"{_BLANK_BITS}",'.encode()
_LARGEST_BLANK = 4096


def _as_one_before(raw: bytes) -> Query | None:
    """Return the question of a body that is plain and like one that was judged, else None.

    The members that differ are texts without escapes, so a body with others in their place is JSON
    of the same structure; that they are those three members, the judged one shows.
    """
    head, at = _HEAD.match(raw), raw.rfind(_DATA) + len(_DATA)
    if head is None or at < head.end() or not raw.endswith(_END) or len(raw) > MAX_QUERY_BYTES:
        return None
    data = raw[at : -len(_END)]
    blank = b"".join((_BLANK_HEAD, raw[head.end() : at], _BLANK_DATA.encode(), _END))
    if data.translate(None, _BASE64) or not len(_BLANK_DATA) <= len(data) <= MAX_DATA_CHARS:
        return None
    alike = _blank(blank) if len(blank) <= _LARGEST_BLANK else None
    if alike is None:
        return None
    vectors = altered(alike.vectors, data=data.decode())
    return altered(alike, id=head[1].decode(), salt=head[2].decode(), vectors=vectors)


@lru_cache(maxsize=1024)
def _blank(raw: bytes) -> Query | None:
    """Return the question of a body with blanks for id, salt and components, None if it is none."""
    try:
        blank = _judged(raw)
    except Refused:
        return None
    blanks = (blank.id, blank.salt, blank.vectors.data)
    return blank if blanks == (_BLANK_BITS, _BLANK_BITS, _BLANK_DATA) else None


@lru_cache(maxsize=1024)
def _envelope(raw: bytes) -> Envelope:
    """Return the envelope that these bytes spell: a partner's questions hardly ever change it.

    Its space id is computed once too. Raises ValidationError, and remembers nothing then.
    """
    return Envelope.model_validate(orjson.loads(raw))
