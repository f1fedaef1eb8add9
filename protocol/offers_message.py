"""Which collections are open to the partner who asks, and on what terms.

The rule of this file: an offer tells what a grant gives to this one partner, and what is left of
it: the query budget exactly, the exposure of records in quarters only (an exact figure would tell
which records were found before).
"""

from typing import Annotated, Literal

from pydantic import Field

from protocol.limits import (
    BIN_WIDTH_MILLI,
    MAX_ANSWER_BYTES,
    MAX_ANSWER_ITEMS,
    MAX_BIN_WIDTH_MILLI,
    MAX_FILTERABLE,
    MAX_K,
    MAX_OFFERS,
    MAX_PURPOSES,
    MAX_SPACES,
)
from protocol.message_json import build, read_object
from protocol.metadata_filter import FieldName
from protocol.notation import (
    Bits128,
    CollectionName,
    Count,
    Digest,
    LongText,
    Opaque,
    PurposeName,
    SpaceId,
    Text,
    Time,
    Url,
    Version1,
    WireModel,
)
from protocol.query_message import Granularity


class Offer(WireModel):
    """One collection, as one grant opens it.

    `language` is a BCP 47 tag. `spaces` are the ids of spaces in which questions are accepted, the
    collection's own first. `filterable` are fields that a question's filter may
    name. `queries_left` are vectors until the end of the UTC day, of `queries_per_day`; `rate` are
    vectors a minute, over all collections.
    `exposure_quarters` says how many quarters of the exposure budget (different records in an
    epoch) are used up, None where there is none. `expires` is the first second at which the
    grant or its agreement no longer holds.
    """

    collection: CollectionName
    title: Text | None = None
    description: LongText | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{2,35}$")] | None = None
    purposes: Annotated[
        tuple[PurposeName, ...], Field(strict=False, min_length=1, max_length=MAX_PURPOSES)
    ]
    granularity: Granularity
    bin_width_milli: Annotated[int, Field(ge=BIN_WIDTH_MILLI, le=MAX_BIN_WIDTH_MILLI)] | None = None
    max_k: Annotated[int, Field(ge=1, le=MAX_K)]
    spaces: Annotated[tuple[SpaceId, ...], Field(strict=False, max_length=MAX_SPACES)] = ()
    filterable: Annotated[
        tuple[FieldName, ...], Field(strict=False, max_length=MAX_FILTERABLE)
    ] = ()
    queries_left: Count
    queries_per_day: Count | None = None
    rate: Count | None = None
    exposure_quarters: Annotated[int, Field(ge=0, le=4)] | None = None
    agreement: Opaque | None = None
    expires: Time | None = None
    request_url: Url | None = None


class Offers(WireModel):
    """The payload line that answers a request for offers; `query` is the empty body's digest."""

    v: Version1 = 1
    salt: Bits128
    query: Digest
    decision: Literal["answered"] = "answered"
    offers: Annotated[tuple[Offer, ...], Field(strict=False, max_length=MAX_OFFERS)] = ()

    def encode(self) -> bytes:
        """Return the payload line without its LF."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def parse(cls, raw: bytes) -> "Offers":
        """Return the offers in an authenticated payload line; Refused with `message-invalid`."""
        return build(cls, read_object(raw, MAX_ANSWER_BYTES, MAX_ANSWER_ITEMS))
