"""One side's account of its exchanges with one other organisation, as its bundle tells it.

Rule of this file: what a bundle does not show is never taken as not having been. `covers` says
which questions an account would show: the filter and the range of its export decide, and at the
edges of a range it leaves a little time for what was under way and for clocks that differ.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from protocol.acknowledgement import Acknowledgement, ReceivedAnswer
from protocol.canonical import digest
from protocol.event_leaves import Exported
from protocol.leaf import (
    Acknowledged,
    Answered,
    AnyLeaf,
    Denied,
    Failed,
    Offered,
    ReceiptFacts,
    Received,
    Repeated,
    Sent,
    Unacknowledged,
    Unanswered,
)

EDGE_S = 150
"""Seconds at the edges of a range: a signed query lives for 60, clocks differ by 30 each way."""

OFFERS = digest(b"")
"""The `query` digest of each request for a list of offers: it has no body, and no `sent` leaf."""


@dataclass(frozen=True, slots=True)
class Told:
    """One leaf of an account; `leaf` is the digest of its bytes, `facts` its plain fields.

    `signature` is that of the signed request, in leaves that carry one.
    """

    index: int
    at: int
    leaf: str
    signature: str | None
    receipt: ReceiptFacts | None
    facts: Mapping[str, object]

    @property
    def answer(self) -> object:
        """The digest of the answer's payload line; None in leaves that name none."""
        return self.facts.get("answer")

    @property
    def purpose(self) -> str | None:
        """The purpose of the question; None in leaves that name none."""
        named = self.facts.get("purpose")
        return named if isinstance(named, str) else None


@dataclass
class Question:
    """What one side tells of the questions with one digest: as asker, and as responder."""

    sent: list[Told] = field(default_factory=list)
    received: list[Told] = field(default_factory=list)
    unanswered: list[Told] = field(default_factory=list)
    outcomes: list[Told] = field(default_factory=list)


class Account:
    """Built with `enter`, leaf by leaf; `roots` are roots of its log by size, as far as known.

    `confirmed`: what the other side acknowledged, by the leaf of this side's answer; `unconfirmed`:
    leaves of answers that it was late with and has not acknowledged since. `enter` takes leaves
    that were checked (node/audit/acknowledgement_check.py).
    """

    def __init__(self, organisation: str, origin: str, other: str) -> None:
        self.organisation, self.origin, self.other = organisation, origin, other
        self.questions: dict[str, Question] = defaultdict(Question)
        self.roots: Mapping[int, bytes] = {}
        self.confirmed: dict[int, ReceivedAnswer] = {}
        self.unconfirmed: set[int] = set()
        self._export: Exported | None = None
        self._times: tuple[int, int] | None = None

    def enter(self, index: int, leaf: AnyLeaf, raw: bytes) -> None:
        """Add a leaf of the part that is in clear."""
        first = self._times[0] if self._times else leaf.at
        self._times = (first, leaf.at)
        if leaf.peer != self.other:
            return
        if isinstance(leaf, Sent):
            self.questions[leaf.query].sent.append(_told(index, leaf, raw))
        elif isinstance(leaf, Received):
            self.questions[leaf.query].received.append(_told(index, leaf, raw))
        elif isinstance(leaf, Unanswered):
            self.questions[leaf.query].unanswered.append(_told(index, leaf, raw))
        elif isinstance(leaf, Answered | Repeated | Denied | Failed | Offered):
            self.questions[leaf.query].outcomes.append(_told(index, leaf, raw))
        elif isinstance(leaf, Unacknowledged):
            self.unconfirmed.update(leaf.unconfirmed)
        elif isinstance(leaf, Acknowledged):
            told = {one.leaf: one for one in Acknowledgement.parse(leaf.message.encode()).answers}
            self.confirmed.update((each, told[each]) for each in leaf.confirmed)
            self.unconfirmed.difference_update(leaf.confirmed)

    def end(self, index: int, export: Exported) -> None:
        """Note the export, whose leaf stands at `index`, once its part was entered."""
        self._export = export
        first, last = self._times or (export.at, 0)
        begins = 0 if export.begins == 0 else first + EDGE_S
        self._times = (begins, export.at if export.ends == index else last)

    def covers(self, told: Told) -> bool:
        """Tell whether this side would show its leaves about what the other side tells."""
        export, times = self._export, self._times
        if export is None or times is None or export.peer not in (None, self.other):
            return False
        if export.purpose is not None and told.purpose != export.purpose:
            return False
        since, until = times[0], times[1] - EDGE_S
        if export.since is not None:
            since = max(since, export.since + EDGE_S)
        if export.until is not None:
            until = min(until, export.until - EDGE_S)
        return since <= told.at <= until


def _told(index: int, leaf: AnyLeaf, raw: bytes) -> Told:
    evidence = getattr(leaf, "evidence", None)
    facts = leaf.model_dump(exclude={"evidence", "receipt", "salt", "v", "at"}, exclude_none=True)
    return Told(
        index=index,
        at=leaf.at,
        leaf=digest(raw),
        signature=evidence.signature if evidence is not None else None,
        receipt=leaf.receipt if isinstance(leaf, Received) else None,
        facts=facts,
    )
