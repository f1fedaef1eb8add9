"""Joining the two sides' accounts of their exchanges on the salted digests of query and answer.

Rule of this file: a `Contradiction` cannot have come about between two honest logs; a `Gap` can
(a message that did not arrive, a part that was not exported), and is named all the same. Where both
sides state a thing it must be the same; what only one of them states is no difference.

    asker                responder            joined on
    sent                 answered, repeated,  query digest, and the signature that both hold
                         denied, error
    received             the same, offered    query digest and answer digest, and the receipt
    unanswered           the same, or nothing query digest
    received             acknowledged,        the indexes of both leaves, and the answer digest
                         unacknowledged
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from protocol.account import OFFERS, Account, Question, Told

Contradiction = Literal[
    "only-asker",  # the asker received an answer, and the responder's log has no leaf of it
    "only-responder",  # the responder logged a signed request, and the asker's log never sent it
    "answer-differs",  # another answer was received than any that was logged as released
    "statements-differ",  # the two leaves state something of the question or answer differently
    "receipt-differs",  # the receipt names another leaf or place than the responder's log has
    "acknowledgement-differs",  # the asker acknowledged an answer that its log does not have so
    "tree-differs",  # the receipt names another tree than the responder's log is
]
Gap = Literal[
    "unheard",  # sent, and neither side knows of an answer
    "undelivered",  # released, and not received
    "unconfirmed",  # received, and the responder says that the asker never acknowledged it
    "not-covered",  # only one side tells of it, and the other's bundle would not show it
]

_QUESTION = ("key", "actor", "purpose", "collection", "space", "granularity", "k", "vectors")
"""`agreement` is left out: the asker names what it asks under, the responder the grant's own."""
_ANSWER = ("purpose", "collection", "results", "reason")


@dataclass(frozen=True)
class Difference:
    """One exchange that only one side knows, or on which they differ.

    `asker_leaf` and `responder_leaf` are indexes in the two logs; `at` is the time of the first of
    them that there is, epoch seconds UTC.
    """

    kind: Contradiction | Gap
    asker: str
    responder: str
    query: str
    at: int
    asker_leaf: int | None
    responder_leaf: int | None
    detail: str


@dataclass(frozen=True)
class Reconciled:
    """All differences in the order of time, and how many requests both sides tell alike."""

    agreed: int
    differences: tuple[Difference, ...]

    @property
    def contradictory(self) -> bool:
        """Tell whether one of the two logs cannot be true."""
        return any(one.kind in Contradiction.__args__ for one in self.differences)  # type: ignore[attr-defined]  # a Literal has its words there


def reconcile(one: Account, other: Account) -> Reconciled:
    """Join two organisations' accounts of each other, in both directions."""
    found: list[Difference] = []
    agreed = 0
    for asker, responder in ((one, other), (other, one)):
        for query in sorted(asker.questions.keys() | responder.questions.keys()):
            pair = _Pair(asker, responder, query)
            differing = list(pair.differences())
            found += differing
            agreed += pair.joined if not differing else 0
    return Reconciled(agreed, tuple(sorted(found, key=lambda d: (d.at, d.query, d.kind))))


class _Pair:
    """The leaves of both sides with one query digest, the one as asker and the other not."""

    def __init__(self, asker: Account, responder: Account, query: str) -> None:
        self._asker, self._responder, self._query = asker, responder, query
        self._ours = asker.questions.get(query, Question())
        self._theirs = responder.questions.get(query, Question())
        self.joined = 0

    def differences(self) -> Iterator[Difference]:
        yield from self._requests()
        yield from self._answers()

    def _requests(self) -> Iterator[Difference]:
        """Each signed request stands in both logs, unless it did not arrive."""
        outcomes = {told.signature: told for told in self._theirs.outcomes}
        heard = bool(self._ours.received)
        for sent in self._ours.sent:
            outcome = outcomes.pop(sent.signature, None)
            if outcome is not None:
                self.joined += 1
                yield from self._compare(sent, outcome, _QUESTION)
            elif not self._responder.covers(sent):
                yield self._named("not-covered", sent, None, "the responder's bundle lacks it")
            elif not heard:
                yield self._named("unheard", sent, None, self._why_unanswered())
        for outcome in outcomes.values():
            if self._query == OFFERS:
                continue
            if self._asker.covers(outcome):
                yield self._named("only-responder", None, outcome, "no `sent` leaf has its request")
            else:
                yield self._named("not-covered", None, outcome, "the asker's bundle lacks it")

    def _answers(self) -> Iterator[Difference]:
        """Each answer that was received was released, and each that was released received."""
        received = {told.answer for told in self._ours.received}
        for told in self._ours.received:
            outcome = self._released(told)
            if outcome is not None:
                self.joined += self._query == OFFERS
                yield from self._compare(told, outcome, _ANSWER)
                yield from self._check_receipt(told, outcome)
                yield from self._check_confirmed(told, outcome)
            elif told.receipt is not None:  # refusals of rate and replay have no leaf
                yield from self._not_released(told)
        for outcome in self._theirs.outcomes:
            yield from self._check_acknowledged(outcome)
            known = any(sent.signature == outcome.signature for sent in self._ours.sent)
            if outcome.answer not in received and (known or self._query == OFFERS):
                if self._asker.covers(outcome) or self._ours.unanswered:
                    yield self._named("undelivered", None, outcome, self._why_unanswered())
                else:
                    yield self._named("not-covered", None, outcome, "what the asker received")

    def _check_confirmed(self, told: Told, outcome: Told) -> Iterator[Difference]:
        if outcome.index in self._responder.unconfirmed:
            detail = "the responder logged that no acknowledgement came"
            yield self._named("unconfirmed", told, outcome, detail)

    def _check_acknowledged(self, outcome: Told) -> Iterator[Difference]:
        """What the asker has signed that it received stands in its log, at the place it named."""
        named = self._responder.confirmed.get(outcome.index)
        if named is None or not self._asker.covers(outcome):
            return
        received = {(told.index, told.answer) for told in self._ours.received}
        if (named.received, named.answer) not in received:
            detail = f"the asker acknowledged it as its leaf {named.received}, which is another"
            yield self._named("acknowledgement-differs", None, outcome, detail)

    def _released(self, told: Told) -> Told | None:
        """The responder's leaf of an answer: the one of the receipt, where it was given twice."""
        same = [outcome for outcome in self._theirs.outcomes if outcome.answer == told.answer]
        place = told.receipt.index if told.receipt else None
        return next((one for one in same if one.index == place), same[0] if same else None)

    def _not_released(self, told: Told) -> Iterator[Difference]:
        if self._theirs.outcomes and self._query != OFFERS:
            detail = "the responder logged another answer to this question"
            yield self._named("answer-differs", told, self._theirs.outcomes[0], detail)
        elif self._responder.covers(told):
            yield self._named("only-asker", told, None, "its receipt names a leaf; there is none")
        elif not self._ours.sent:
            yield self._named("not-covered", told, None, "the responder's bundle lacks it")

    def _check_receipt(self, told: Told, outcome: Told) -> Iterator[Difference]:
        receipt, log = told.receipt, self._responder
        if receipt is None or receipt.origin != log.origin:  # another log, before a succession
            return
        if (receipt.index, receipt.leaf) != (outcome.index, outcome.leaf):
            detail = f"the receipt is for leaf {receipt.index}, or for other bytes of it"
            yield self._named("receipt-differs", told, outcome, detail)
        root = log.roots.get(receipt.size)
        if root is not None and f"sha256:{root.hex()}" != receipt.root:
            detail = f"the receipt's tree of {receipt.size} leaves is not the log's"
            yield self._named("tree-differs", told, outcome, detail)

    def _compare(self, ours: Told, theirs: Told, names: Iterable[str]) -> Iterator[Difference]:
        stated = ((name, ours.facts.get(name), theirs.facts.get(name)) for name in names)
        differing = [name for name, a, b in stated if a is not None and b is not None and a != b]
        if differing:
            yield self._named("statements-differ", ours, theirs, ", ".join(differing))

    def _why_unanswered(self) -> str:
        reasons = [str(told.facts.get("reason")) for told in self._ours.unanswered]
        return f"the asker says: {reasons[-1]}" if reasons else "the asker logged no end of it"

    def _named(
        self, kind: Contradiction | Gap, ours: Told | None, theirs: Told | None, detail: str
    ) -> Difference:
        first = ours or theirs
        return Difference(
            kind=kind,
            asker=self._asker.organisation,
            responder=self._responder.organisation,
            query=self._query,
            at=first.at if first else 0,
            asker_leaf=ours.index if ours else None,
            responder_leaf=theirs.index if theirs else None,
            detail=detail,
        )
