"""What the own people ask, and what they get: models of the local API and the command line.

The rule of this file: a partial result is normal and visible. Every silo that was to be asked has a
status line, whatever became of it; hits come only from answers that verified.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from protocol.limits import MAX_BATCH, MAX_K
from protocol.metadata_filter import MetadataFilter
from protocol.notation import CollectionName, Organisation, PurposeName
from protocol.score_kind import ScoreKind

MAX_TEXT_CHARS = 100_000
MAX_DEADLINE_S = 60.0
MAX_SELECT = 10_000

Granularity = Literal["boolean", "count", "ranks", "bins"]
Actor = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,128}$")]
Vector = Annotated[list[float], Field(min_length=1)]

SiloState = Literal[
    "ok",
    "denied",
    "error",
    "timeout",
    "unreachable",
    "address-refused",
    "oversized",
    "unverifiable",
    "no-card",
    "no-route",
    "not-active",
    "failed",
    "not-asked",
    "nothing-offered",
]
"""ok: answered and verified. denied, error: the partner said so, verified; `code` says why.
unverifiable: something came that does not verify, so it is not shown. no-card, no-route: the
partner's card is out of date, or no adapter leads there. failed: something failed on this side.
not-asked: others are likelier to answer, and no more were wanted (`select`). nothing-offered: a
partner that was asked only because nobody was named has nothing open for this purpose."""

NOT_MISSED: frozenset[SiloState] = frozenset({"ok", "not-asked", "nothing-offered"})
"""States in which no silo is missing from an answer."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AskRequest(_Model):
    """One question, or a batch, for the own collections and any partners.

    Give `texts`, or `vectors` of the encoder's space. `peers` and `collections` narrow what is
    asked (a collection as `name` or `organisation/name`); empty means everything that is open for
    the purpose. `encoder` names the encoder, or a collection whose encoder is meant; it may be left
    out where all own collections have one, or there is only one. `filter` narrows what is searched
    by the documents' metadata, at partners only by the fields that their grants name. `own = false`
    leaves the own collections out. `select` asks at most so many of the partners' collections of
    which enough is known, those likely to answer; 0 asks all, None as many as the node's settings
    say. What `collections` names is asked in any case.

    `may_be_judged`: whoever asks lets the texts be kept, and be judged by people so that they can
    become golden questions; None: as the token says, and without one they may not.
    """

    texts: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)], ...],
        Field(max_length=MAX_BATCH),
    ] = ()
    vectors: Annotated[tuple[Vector, ...], Field(max_length=MAX_BATCH)] = ()
    encoder: str | None = None
    purpose: PurposeName
    k: Annotated[int, Field(ge=1, le=MAX_K)] = 10
    peers: tuple[Organisation, ...] = ()
    collections: tuple[str, ...] = ()
    own: bool = True
    granularity: Granularity | None = None
    agreement: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")] | None = None
    filter: MetadataFilter | None = None
    deadline_s: Annotated[float, Field(gt=0, le=MAX_DEADLINE_S)] | None = None
    select: Annotated[int, Field(ge=0, le=MAX_SELECT)] | None = None
    may_be_judged: bool | None = None

    @model_validator(mode="after")
    def _one_kind_of_question(self) -> "AskRequest":
        if bool(self.texts) == bool(self.vectors):
            raise ValueError("give either texts or vectors, at least one")
        return self


class FigureShown(_Model):
    """A measured figure with its interval."""

    value: float
    low: float
    high: float


class RouteShown(_Model):
    """How a question was carried into a silo's space, and how well that is known to work.

    `kind` is `identity` where the silo was searched by the question as it was encoded, as own
    collections of the encoder's space always are. `verdict` says whether the two spaces are one, or
    the question was mapped: `own_adapter` and `adapter` then name the maps of both sides. `figures`
    were measured by this node on held-out anchors for the whole way, `partner_figures` by the
    partner for its own map; `scale` are scores that are told and what this node takes them for
    where it merges, as points of a line; `low_confidence` says that this answer's scores are
    unusually low for the route, `low_confidence_reason` in words why it is said.
    """

    kind: str
    verdict: Literal["same", "adaptable"] | None = None
    own_adapter: str | None = None
    adapter: str | None = None
    score_space: str | None = None
    score_kind: ScoreKind | None = None
    scale: tuple[tuple[float, float], ...] = ()
    figures: dict[str, FigureShown] = {}
    partner_figures: dict[str, FigureShown] = {}
    low_confidence: bool | None = None
    low_confidence_reason: str | None = None


class ExpectedShown(_Model):
    """The part of the merged list (0 to 1) that a silo was expected to give, before it was asked.

    An estimate from `answers` that it gave to this node's earlier questions. `explored`: it was not
    among the likeliest, and asked to learn from it.
    """

    share: float
    answers: int
    explored: bool = False


class SiloStatus(_Model):
    """What became of one silo: an organisation's collection (None where none could be chosen).

    `fix` says what this node's admin can do where no adapter leads there. In `counts` None stands
    for a number below `smallest_count`, and `found` is then false. With `withheld` some of the
    collection's records are no longer told of to this node in this epoch. `expected` is there where
    silos were chosen and enough was known of this one.
    """

    organisation: Organisation
    collection: CollectionName | None
    own: bool
    state: SiloState
    code: str | None = None
    rule: str | None = None
    detail: str | None = None
    fix: str | None = None
    version: str | None = None
    granularity: Granularity | None = None
    repeated: bool = False
    route: RouteShown | None = None
    hits: int | None = None
    counts: tuple[int | None, ...] | None = None
    found: tuple[bool, ...] | None = None
    smallest_count: int | None = None
    withheld: bool = False
    queries_left: int | None = None
    request_url: str | None = None
    answer: str | None = None
    receipt_index: int | None = None
    expected: ExpectedShown | None = None
    elapsed_ms: int


class Copy(_Model):
    """Another silo that holds the same document: its name for it, and its rank there."""

    organisation: Organisation
    collection: CollectionName
    own: bool
    reference: str | None
    external_id: str | None
    rank: int


class Result(_Model):
    """One record in the merged list.

    `reference` is the partner's name for it, `external_id` the own one; `bin` is the middle of its
    score bin in `score_space`, None where the silo gave ranks only; `rank` is its rank in the silo.
    `held_back` says that a record with a lower bin stands before it, because one partner holds at
    most half of every beginning of the list and one more, whatever scores it claims.
    `low_confidence` says that the silo's best score is unusually low for its route.
    """

    place: int
    organisation: Organisation
    collection: CollectionName
    own: bool
    reference: str | None
    external_id: str | None
    rank: int
    bin: float | None
    score_space: str | None
    route: str
    overlap: FigureShown | None
    request_url: str | None
    held_back: bool = False
    copies: tuple[Copy, ...] = ()
    low_confidence: bool = False


class AskResult(_Model):
    """The merged lists, one per question of the batch, and the status of every silo.

    `left_out` is which part (0 to 1) of all that was expected of partners the silos had that were
    not asked, by their estimates; None where every silo was asked.
    """

    question: str
    purpose: PurposeName
    space: str
    seed: str
    results: tuple[tuple[Result, ...], ...]
    silos: tuple[SiloStatus, ...]
    left_out: float | None = None

    @property
    def partial(self) -> bool:
        """Whether a silo that was to be asked gave nothing."""
        return any(silo.state not in NOT_MISSED for silo in self.silos)
