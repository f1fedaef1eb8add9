"""Why a request is refused: stable codes, RFC 9457 bodies, and the exception that carries them.

The rule of this file: what a stranger may learn from a refusal is decided here, once. A refusal
before authentication tells its class only; steps 5 to 8 of acceptance share one code and one
body, so that nobody learns who the partners are. `Refused.local_detail` stays on this side.

    unauthenticated   unsigned: nobody can prove to whom it was said
    unlogged          signed, without a receipt: cheap to cause, so counted and not logged singly
    logged            signed, with a `denied` or `error` leaf and its receipt
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from protocol.limits import MAX_DETAIL_CHARS, MAX_TITLE_CHARS
from protocol.notation import WireModel, Word

PROBLEM_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:interlingua:problem:"

Standing = Literal["unauthenticated", "unlogged", "logged"]


class Code(StrEnum):
    """A problem's stable name; it never changes its meaning."""

    # steps 1 to 8: acceptance of a request
    UNKNOWN_ENDPOINT = "unknown-endpoint"
    MALFORMED_REQUEST = "malformed-request"
    TOO_LARGE = "too-large"
    HEADERS_TOO_LARGE = "headers-too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    SIGNATURE_MALFORMED = "signature-malformed"
    OUTSIDE_TIME_WINDOW = "outside-time-window"
    SIGNATURE_COVERAGE = "signature-coverage"
    NOT_AUTHENTICATED = "not-authenticated"
    # steps 9 and 10: peer, rate, replay
    PEER_INACTIVE = "peer-inactive"
    RATE_LIMITED = "rate-limited"
    REPLAYED = "replayed"
    IN_FLIGHT = "in-flight"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    NO_SUCH_TILE = "no-such-tile"
    # acknowledgements
    ACKNOWLEDGEMENT_REFUSED = "acknowledgement-refused"
    NOTHING_ACKNOWLEDGED = "nothing-acknowledged"
    # what an authenticated question asks for
    MESSAGE_INVALID = "message-invalid"
    IDEMPOTENCY_MISMATCH = "idempotency-mismatch"
    ANSWER_ERASED = "answer-erased"
    BUDGET_EXHAUSTED = "budget-exhausted"
    NOT_GRANTED = "not-granted"
    ENVELOPE_INVALID = "envelope-invalid"
    VECTORS_INVALID = "vectors-invalid"
    SPACE_NOT_ACCEPTED = "space-not-accepted"
    ROUTE_UNKNOWN = "route-unknown"
    SEARCH_FAILED = "search-failed"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a code means on the wire: HTTP status, title, and how much its receiver is told."""

    status: int
    title: str
    standing: Standing


KINDS: dict[Code, Kind] = {
    Code.UNKNOWN_ENDPOINT: Kind(404, "No such endpoint", "unauthenticated"),
    Code.MALFORMED_REQUEST: Kind(400, "The request is malformed", "unauthenticated"),
    Code.TOO_LARGE: Kind(413, "The body is too large", "unauthenticated"),
    Code.HEADERS_TOO_LARGE: Kind(431, "The header fields are too large", "unauthenticated"),
    Code.UNSUPPORTED_MEDIA_TYPE: Kind(
        415, "The content type or encoding is not supported", "unauthenticated"
    ),
    Code.SIGNATURE_MALFORMED: Kind(
        400, "The signature is not in the protocol's form", "unauthenticated"
    ),
    Code.OUTSIDE_TIME_WINDOW: Kind(
        400, "The signature is not valid at this time; compare the clocks", "unauthenticated"
    ),
    Code.SIGNATURE_COVERAGE: Kind(
        400, "The signature does not cover what it must", "unauthenticated"
    ),
    Code.NOT_AUTHENTICATED: Kind(401, "The request is not authenticated", "unauthenticated"),
    Code.PEER_INACTIVE: Kind(403, "The partnership is not active", "unlogged"),
    Code.RATE_LIMITED: Kind(429, "Too many requests", "unlogged"),
    Code.REPLAYED: Kind(409, "The request was seen before", "unlogged"),
    Code.IN_FLIGHT: Kind(409, "The same question is being answered", "unlogged"),
    Code.BUSY: Kind(503, "The node is busy; try again", "unlogged"),
    Code.UNAVAILABLE: Kind(503, "The node cannot log answers now", "unlogged"),
    Code.NO_SUCH_TILE: Kind(404, "The log has no such tile yet", "unlogged"),
    Code.ACKNOWLEDGEMENT_REFUSED: Kind(422, "The acknowledgement is not valid", "unlogged"),
    Code.NOTHING_ACKNOWLEDGED: Kind(
        409, "No answer in it waits for an acknowledgement", "unlogged"
    ),
    Code.MESSAGE_INVALID: Kind(400, "The body is not a valid message", "logged"),
    Code.IDEMPOTENCY_MISMATCH: Kind(
        422, "The question's id was used for another question", "logged"
    ),
    Code.ANSWER_ERASED: Kind(410, "The answer to this question was erased; ask it anew", "logged"),
    Code.BUDGET_EXHAUSTED: Kind(429, "The query budget is used up", "logged"),
    Code.NOT_GRANTED: Kind(403, "No grant allows this question", "logged"),
    Code.ENVELOPE_INVALID: Kind(422, "The envelope does not describe the space", "logged"),
    Code.VECTORS_INVALID: Kind(422, "The vectors are not valid in their envelope", "logged"),
    Code.SPACE_NOT_ACCEPTED: Kind(422, "No route leads from the vectors' space", "logged"),
    Code.ROUTE_UNKNOWN: Kind(422, "The route asked for does not exist", "logged"),
    Code.SEARCH_FAILED: Kind(500, "The search failed", "logged"),
}

assert set(KINDS) == set(Code)  # noqa: S101 - a missing row must fail on import, not in service


class Problem(WireModel):
    """An RFC 9457 problem body.

    `code` repeats the last part of `type`; `rule` names the grant rule that decided a `not-granted`
    (collection, purpose, k, ...) or the budget that is used up; `detail` is for people.
    """

    type: Annotated[str, StringConstraints(pattern=rf"^{TYPE_PREFIX}[a-z][a-z0-9-]{{0,63}}$")]
    title: Annotated[str, Field(max_length=MAX_TITLE_CHARS)]
    status: Annotated[int, Field(ge=400, le=599)]
    code: Word
    detail: Annotated[str, Field(max_length=MAX_DETAIL_CHARS)] | None = None
    rule: Word | None = None

    @classmethod
    def of(cls, code: Code, detail: str | None = None, rule: str | None = None) -> "Problem":
        """Return the body of a code; a detail that is too long is cut."""
        kind = KINDS[code]
        return cls(
            type=TYPE_PREFIX + code,
            title=kind.title,
            status=kind.status,
            code=str(code),
            detail=detail if detail is None else detail[:MAX_DETAIL_CHARS],
            rule=rule,
        )

    def encode(self) -> bytes:
        """Return the body's bytes: compact JSON, absent members left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Refused(Exception):
    """A request is refused.

    `code` goes on the wire, with `detail` and `rule` where the sender is authenticated;
    `local_detail` is for the own log and never leaves. `authenticated` says whether the sender
    is known, so that the refusal can be signed and told to the right one.
    """

    def __init__(
        self,
        code: Code,
        local_detail: str,
        *,
        authenticated: bool = False,
        detail: str | None = None,
        rule: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {local_detail}")
        self.code = code
        self.local_detail = local_detail
        self.authenticated = authenticated
        self.detail = detail
        self.rule = rule

    @property
    def kind(self) -> Kind:
        """The code's status, title and standing."""
        return KINDS[self.code]

    def problem(self) -> Problem:
        """Return the body for the wire: an unauthenticated sender is told the code and no more."""
        if not self.authenticated:
            return Problem.of(self.code)
        return Problem.of(self.code, self.detail, self.rule)
