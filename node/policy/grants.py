"""A grant says what one peer may ask of one collection, for which purposes, and what it learns.

Grants are TOML, reviewable and versionable: a file holds one grant at its top level, or several as
`[[grant]]`. Unknown fields are refused, since a misspelt limit is a limit that is not there.
Nothing is shared by default: without a grant there is no answer, and a grant must name the labels
that a document has to carry to be visible (`labels = ["*"]` shows every document, and says so).

Quantities are kept as integers (scores in thousandths), so that a policy has one digest.
"""

import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from node.policy.errors import GrantInvalid
from node.wrong_values import describe
from protocol.canonical import digest, dumps
from protocol.limits import BIN_WIDTH_MILLI, MAX_BIN_WIDTH_MILLI, MAX_FILTERABLE, MAX_K
from protocol.metadata_filter import FieldName
from protocol.notation import CollectionName, Digest, Opaque, Organisation, PurposeName, Url

Granularity = Literal["boolean", "count", "ranks", "bins"]
GRANULARITIES: tuple[Granularity, ...] = ("boolean", "count", "ranks", "bins")
"""From the least to the most telling; a peer may ask for less than it is granted."""

ALL_LABELS = "*"
DEFAULT_RATE = 60
"""Vectors a minute for a peer whose grants say nothing else, or that has none."""

NO_FLOOR = -1000
"""The floor of a grant that names none: no cosine lies below it, so it decides nothing."""

MAX_GRANT_FILE_BYTES = 1 << 20

MAX_NEAR_DUPLICATES = 4096
"""The largest limit of near questions: far more than anybody asks about one thing in a day."""

_SHOWN_FIELDS = {
    "labels",
    "granularity",
    "bin_width",
    "content_commitment",
    "max_k",
    "floor",
    "smallest_count",
}

MAX_NUMBER = 1_000_000
"""Far beyond every score and width."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]


def _instant(value: object) -> object:
    """Turn a TOML date (valid through that day, UTC) or an offset date-time into seconds."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a date-time needs an offset, such as 2027-01-01T00:00:00Z")
        return int(value.timestamp())
    if isinstance(value, date):
        if value == date.max:
            raise ValueError("a date before 9999-12-31 is expected")
        following = value + timedelta(days=1)
        return int(datetime(following.year, following.month, following.day, tzinfo=UTC).timestamp())
    raise ValueError("a date such as 2027-01-01 is expected, without quotes")


def _milli(value: object) -> object:
    """Turn 0.25 into 250 thousandths, exactly or not at all."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a number such as 0.25 is expected")
    exact = Decimal(value)
    # its size is looked at before it is computed with: decimal arithmetic ends somewhere
    sound = exact.is_finite() and -MAX_NUMBER <= exact <= MAX_NUMBER
    if not sound or exact != exact.quantize(Decimal("0.001")):
        raise ValueError(f"at most three decimals are kept, of numbers up to {MAX_NUMBER}")
    return int(exact * 1000)


def _sorted_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("an entry is named twice")
    return tuple(sorted(values))


Instant = Annotated[int, BeforeValidator(_instant)]
Milli = Annotated[int, BeforeValidator(_milli)]
Names = AfterValidator(_sorted_once)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=False)


class Agreement(_Section):
    """The contract under which the peer asks; its id and digest are copied into every leaf."""

    id: Opaque
    digest: Digest
    until: Instant
    """First second at which the agreement no longer holds."""


class Grant(_Section):
    """One peer's access to one collection for some purposes."""

    peer: Organisation
    collection: CollectionName
    purposes: Annotated[tuple[PurposeName, ...], Field(min_length=1, strict=False), Names]
    labels: Annotated[tuple[Label, ...], Field(min_length=1, strict=False), Names]
    granularity: Granularity = "bins"
    bin_width: Milli = BIN_WIDTH_MILLI
    """Width of a score bin in thousandths; a multiple of the protocol's width."""
    filterable: Annotated[
        tuple[FieldName, ...], Field(max_length=MAX_FILTERABLE, strict=False), Names
    ] = ()
    """Fields of the documents' metadata that a question's filter may name."""
    content_commitment: bool = False
    """Whether shown records carry a commitment to their texts, so that copies can be recognised."""
    max_k: Annotated[int, Field(ge=1, le=MAX_K)] = 10
    floor: Annotated[Milli, Field(ge=-1000, le=1000)] = NO_FLOOR
    """Documents whose score lies below it (thousandths) are never shown or counted."""
    smallest_count: Annotated[int, Field(ge=1, le=MAX_K)] = 1
    """A smaller number is told without its figure, and as `false`."""
    rate: Annotated[int, Field(ge=1, le=1_000_000)] = DEFAULT_RATE
    """Vectors a minute, per peer over all its collections (the largest of its grants counts)."""
    queries_per_day: Annotated[int, Field(ge=1, le=100_000_000)] = 1000
    """Vectors a UTC day for this collection."""
    near_duplicates_per_day: Annotated[int, Field(ge=1, le=MAX_NEAR_DUPLICATES)] = 50
    """Different question vectors a day that lie within about 0.25 rad of one another."""
    scored_answers: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Scored answers per record and epoch; never more than an eighth of the dimension."""
    answers_per_record: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Answers of any kind per record and epoch: an eighth of the dimension unless set, at most the
    dimension, with a floor the eighth; see node/federation/exposures.py."""
    records_per_epoch: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """Different records of which the peer may be told anything in an epoch."""
    share_per_epoch: Annotated[Milli, Field(ge=0, le=1000)] | None = None
    """The same as a share (thousandths) of the documents that the grant makes visible."""
    agreement: Agreement | None = None
    expires: Instant | None = None
    """First second at which the grant no longer holds."""
    request_url: Url | None = None
    """Where the partner may apply for a record; travels in every answer."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.bin_width < BIN_WIDTH_MILLI or self.bin_width % BIN_WIDTH_MILLI:
            raise ValueError(
                f"bin_width must be a multiple of {BIN_WIDTH_MILLI / 1000}: "
                "a grant may make scores coarser, never finer"
            )
        if self.bin_width > MAX_BIN_WIDTH_MILLI:
            raise ValueError("bin_width must not exceed 2.0, the range of a cosine")
        if ALL_LABELS in self.labels and len(self.labels) > 1:
            raise ValueError('labels = ["*"] already shows every document; name no others beside')
        return self

    @cached_property
    def visible(self) -> frozenset[str] | None:
        """The labels of which a document must carry one, or None where all documents are shared."""
        return None if self.labels == (ALL_LABELS,) else frozenset(self.labels)

    @property
    def ends(self) -> int | None:
        """First second at which it no longer holds, or its agreement does not; None: no end."""
        ends = (self.expires, self.agreement.until if self.agreement else None)
        return min((end for end in ends if end is not None), default=None)

    @property
    def has_floor(self) -> bool:
        """Whether the floor decides anything."""
        return self.floor > NO_FLOOR

    def plain(self) -> dict[str, Any]:
        """Return the grant as canonical JSON allows it: strings, integers, lists, nulls."""
        return self.model_dump(mode="json")

    @cached_property
    def digest(self) -> str:
        """The digest that names the grant in a leaf."""
        return digest(dumps(self.plain()))

    @cached_property
    def shows(self) -> str:
        """The digest of what the grant shows; the same for grants that show the same."""
        return digest(dumps(self.model_dump(mode="json", include=_SHOWN_FIELDS)))


def parse_grants(text: str, name: str) -> tuple[Grant, ...]:
    """Read one grant file; `name` is used in messages.

    Raises GrantInvalid for anything but complete, known and consistent grants.
    """
    if len(text.encode()) > MAX_GRANT_FILE_BYTES:
        raise GrantInvalid(f"{name} exceeds {MAX_GRANT_FILE_BYTES} bytes; split it")
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise GrantInvalid(f"{name} is not TOML: {error}") from None
    return tuple(_grant(one, name, at) for at, one in enumerate(_grants_in(content, name), 1))


def _grants_in(content: dict[str, Any], name: str) -> list[Any]:
    if not content:
        return []  # an empty file grants nothing; it is how everything is withdrawn
    if "grant" not in content:
        return [content]
    if set(content) != {"grant"}:
        beside = ", ".join(sorted(set(content) - {"grant"}))
        raise GrantInvalid(
            f"{name} has {beside} beside [[grant]]; move it into a [[grant]] section"
        )
    grants = content["grant"]
    if not isinstance(grants, list):
        raise GrantInvalid(f"{name} has [grant]; write [[grant]], with two brackets")
    return grants


def _grant(content: Any, name: str, number: int) -> Grant:
    try:
        return Grant.model_validate(content)
    except ValidationError as error:
        raise GrantInvalid(f"{name}, grant {number}: {_faults(error)}") from None


def _faults(error: ValidationError) -> str:
    """What is wrong, field by field; a field that is not known with the nearest one that is."""
    unknown = [e["loc"] for e in error.errors() if e["type"] == "extra_forbidden"]
    return "; ".join(filter(None, [describe(error, "grant"), *map(_meant, unknown)]))


def _meant(location: tuple[int | str, ...]) -> str:
    known = Agreement if location[0] == "agreement" and len(location) > 1 else Grant
    near = get_close_matches(str(location[-1]), known.model_fields, n=1)
    return f"instead of {location[-1]}, did you mean {near[0]}?" if near else ""
