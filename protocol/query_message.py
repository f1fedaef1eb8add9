"""The question, as it stands in the body of a signed request.

The rule of this file: `Query.parse` is the only way in. It judges bytes whose sender is known
(acceptance comes first), so what is wrong with them may be said to the sender. The body's digest is
taken over the raw bytes; nothing is ever written anew to verify it.
"""

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
from protocol.vectors import Vectors

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
        """Return the question in an authenticated body; Refused with `message-invalid`."""
        fields = read_object(raw, MAX_QUERY_BYTES, MAX_QUERY_ITEMS)
        with suppress(ValidationError, KeyError):  # what is wrong is said in its place, below
            fields["envelope"] = _envelope(orjson.dumps(fields["envelope"]))
        return build(cls, fields)


@lru_cache(maxsize=1024)
def _envelope(raw: bytes) -> Envelope:
    """Return the envelope that these bytes spell: a partner's questions hardly ever change it.

    Its space id is computed once too. Raises ValidationError, and remembers nothing then.
    """
    return Envelope.model_validate(orjson.loads(raw))
