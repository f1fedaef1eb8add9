"""The question, as it stands in the body of a signed request.

The rule of this file: `Query.parse` is the only way in. It judges bytes whose sender is known
(acceptance comes first), so what is wrong with them may be said to the sender. The body's digest is
taken over the raw bytes; nothing is ever written anew to verify it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from protocol.envelope import Envelope
from protocol.limits import (
    MAX_JSON_DEPTH,
    MAX_K,
    MAX_QUERY_BYTES,
    MAX_QUERY_ITEMS,
    MAX_RESULTS,
)
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
from protocol.problems import Code, Refused
from protocol.strict_json import StrictJsonError, parse
from protocol.vectors import Vectors

Granularity = Literal["boolean", "count", "ranks", "bins"]
"""From the least to the most telling."""

M = TypeVar("M", bound=WireModel)


class Query(WireModel):
    """One question of n vectors to one collection.

    `id` is the idempotency key: the same id with the same body is the same question for 24 hours.
    `salt` makes the body's digest unguessable. `granularity` asks for less than is granted; None
    takes what the grant gives. `actor` is a commitment to the person who asks, `agreement` the id
    of the contract under which it happens. `space` is the envelope's space id, the space in which
    the vectors lie; `route` names one adapter of the peer's card by its digest, None leaves the
    choice to the peer.
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
        return read_message(cls, raw, MAX_QUERY_BYTES, MAX_QUERY_ITEMS)


def read_message(model: type[M], raw: bytes, max_bytes: int, max_items: int) -> M:
    """Return a message from strict JSON and its model; Refused with `message-invalid`.

    The refusal counts as authenticated and its detail names the member, never its content.
    """
    try:
        fields = parse(raw, max_bytes, MAX_JSON_DEPTH, max_items)
        return model.model_validate(fields)
    except StrictJsonError as error:
        raise _invalid(str(error)) from None
    except ValidationError as error:
        raise _invalid(_first(error.errors(include_input=False, include_url=False)[0])) from None


def _invalid(detail: str) -> Refused:
    return Refused(Code.MESSAGE_INVALID, detail, authenticated=True, detail=detail)


def _first(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part)[:64] for part in error["loc"][:6]) or "the message"
    text = f"{place}: {error['msg']}"
    return "".join(c if c.isprintable() else "?" for c in text)
