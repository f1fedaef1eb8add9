"""What a question brings: an answer, or an authenticated denial.

The rule of this file: these are the payload lines of three-part bodies (protocol/answer_body.py),
compact JSON on one line. Each names the digest of the question that it answers, and its salt makes
its own digest unguessable. Figures are whole thousandths, so no float crosses.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from protocol.card import Figure
from protocol.limits import (
    BIN_WIDTH_MILLI,
    MAX_ANSWER_BYTES,
    MAX_ANSWER_ITEMS,
    MAX_BATCH,
    MAX_BIN_WIDTH_MILLI,
    MAX_FIGURES,
    MAX_K,
    MAX_REFERENCE_CHARS,
)
from protocol.message_json import build, read_object
from protocol.notation import (
    Bits128,
    CollectionName,
    Count,
    Digest,
    Opaque,
    PurposeName,
    SpaceId,
    Url,
    Version1,
    WireModel,
    Word,
)
from protocol.problems import Problem
from protocol.query_message import Granularity
from protocol.score_kind import ScoreKind

ANSWER_TYPE = "application/vnd.interlingua.answer"


class Hit(WireModel):
    """One document: its reference for this partner, and its score's bin where bins are shown.

    `commitment` is to its content, under the question's key.

    Bin b at width w holds the scores from b*w up to (b+1)*w thousandths; the top bin holds 1.0.
    """

    ref: Annotated[str, Field(pattern=rf"^[A-Za-z0-9_-]{{1,{MAX_REFERENCE_CHARS}}}$")]
    bin: Annotated[int, Field(ge=-20, le=19)] | None = None
    commitment: Bits128 | None = None


Hits = Annotated[tuple[Hit, ...], Field(strict=False, max_length=MAX_K)]
Result = Hits | Count | bool | None
"""What is shown for one vector: documents best first, their number, or whether there are any.

None stands for a number below the smallest that is told."""


class RouteReport(WireModel):
    """How the question's vectors came into the collection's space.

    `adapter` is the file digest of the map, None where the spaces are one; `figures` were measured
    on held-out anchors. `low_confidence`: some vector of this question found nothing that stands
    out, None where it was not judged.
    """

    adapter: Digest | None = None
    kind: Word
    figures: Annotated[dict[Word, Figure], Field(max_length=MAX_FIGURES)] = Field(
        default_factory=dict
    )
    low_confidence: bool | None = None


class Remaining(WireModel):
    """What is left of the grant's daily budget after this answer, in vectors."""

    queries: Count


class Answer(WireModel):
    """The answer to one question; `results` holds one entry per vector, in the question's order.

    `query` is the digest of the question's body. `version` names the index that was searched.
    `score_space` is the space in which the bins were computed, `score_kind` what they are there
    (None: cosines); bins of different spaces or kinds do not compare. References are made under
    `epoch`. `request_url` tells where to apply for a record. `smallest_count`: smaller numbers are
    told as None. `withheld`: some records of the collection are no longer told of to this partner
    in this epoch, whatever is asked.
    """

    v: Version1 = 1
    salt: Bits128
    query: Digest
    decision: Literal["answered", "repeated"] = "answered"
    collection: CollectionName
    version: Opaque
    purpose: PurposeName
    granularity: Granularity
    bin_width_milli: Annotated[int, Field(ge=BIN_WIDTH_MILLI, le=MAX_BIN_WIDTH_MILLI)] | None = None
    score_space: SpaceId | None = None
    score_kind: ScoreKind | None = None
    route: RouteReport
    epoch: Count
    smallest_count: Annotated[int, Field(ge=2, le=MAX_K)] | None = None
    withheld: Literal[True] | None = None
    results: Annotated[tuple[Result, ...], Field(strict=False, min_length=1, max_length=MAX_BATCH)]
    budget: Remaining
    request_url: Url | None = None

    @model_validator(mode="after")
    def _results_agree(self) -> "Answer":
        self.check_results()
        return self

    def check_results(self) -> None:
        """Judge the results beside what the other members say of them; raises ValueError."""
        shape = _SHAPES[self.granularity]
        small = self.granularity == "count" and self.smallest_count is not None
        if any(type(r) is not shape and not (small and r is None) for r in self.results):
            raise ValueError(f"results are not what granularity {self.granularity} shows")
        self._check_counts()
        for hits in self._lists():
            if len({hit.ref for hit in hits}) < len(hits):
                raise ValueError("a list names one reference twice")
        if self.granularity == "bins":
            if self.bin_width_milli is None or self.score_space is None:
                raise ValueError("bins need bin_width_milli and score_space")
            self._check_bins(self.bin_width_milli)
        else:
            self._check_no_scores()

    def _check_no_scores(self) -> None:
        bins = [hit.bin for hits in self._lists() for hit in hits if hit.bin is not None]
        if bins or self.score_kind is not None or self.route.low_confidence is not None:
            raise ValueError(f"granularity {self.granularity} shows no bins, nor what they tell")

    def _check_counts(self) -> None:
        least = self.smallest_count or 0
        if least and self.granularity not in ("boolean", "count"):
            raise ValueError(f"granularity {self.granularity} has no smallest count")
        if self.granularity == "count" and any(n < least for n in self._counts()):
            raise ValueError(f"a number below {least} is told with its figure")

    def _check_bins(self, width: int) -> None:
        end = -(-1000 // width)
        for hits in self._lists():
            bins = [hit.bin for hit in hits if hit.bin is not None]
            if any(not -end <= b < end for b in bins):
                raise ValueError(f"a bin lies outside the scores' range at width {width}")
            if bins and len(bins) != len(hits):
                raise ValueError("a list shows bins for all of its documents or for none")

    def _lists(self) -> list[tuple[Hit, ...]]:
        return [result for result in self.results if isinstance(result, tuple)]

    def _counts(self) -> list[int]:
        return [result for result in self.results if type(result) is int]

    def encode(self) -> bytes:
        """Return the payload line without its LF."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def parse(cls, raw: bytes) -> "Answer":
        """Return the answer in an authenticated payload line; Refused with `message-invalid`."""
        return build(cls, read_object(raw, MAX_ANSWER_BYTES, MAX_ANSWER_ITEMS))


_SHAPES: dict[Granularity, type] = {"boolean": bool, "count": int, "ranks": tuple, "bins": tuple}


class Denial(WireModel):
    """The answer to a question that is not allowed (`denied`) or that failed here (`error`)."""

    v: Version1 = 1
    salt: Bits128
    query: Digest
    decision: Literal["denied", "error"]
    problem: Problem

    def encode(self) -> bytes:
        """Return the payload line without its LF."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def parse(cls, raw: bytes) -> "Denial":
        """Return the denial in an authenticated payload line; Refused with `message-invalid`."""
        return build(cls, read_object(raw, MAX_ANSWER_BYTES, MAX_ANSWER_ITEMS))
