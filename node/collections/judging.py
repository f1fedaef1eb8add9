"""What two ways of answering make of the same golden questions, such as two versions.

The rule of this file: quality is compared question by question, with paired 95% intervals. How far
the two lists agree is told and judges nothing: a better model may agree little with a bad one.
"""

import asyncio
from dataclasses import dataclass
from typing import Literal

from adapters.metrics import Estimate, paired_difference
from node.collections.collection import Collection
from node.collections.finding import Finder, natively
from node.evaluate.measures import DEPTH, MEASURES, PerQuestion, estimates, per_question
from node.store.golden_rows import Golden

BATCH = 64

GATED = "ndcg_10"
"""The measure that the gate looks at."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Means with intervals of both versions, their paired differences, and their agreement.

    `reached` and `reached_before`: the gated measure of the other and of the serving version by the
    questions' marks.
    """

    questions: int
    serving: dict[str, Estimate]
    other: dict[str, Estimate]
    difference: dict[str, Estimate]
    overlap_10: float
    reached: dict[str, float]
    reached_before: dict[str, float]

    def stands_against(self, bar: float, by: Literal["mean", "low"]) -> str | None:
        """Say why the other version should not take over, where it is worse by more than `bar`.

        `by` its mean, or already where the low end of the interval is.
        """
        found = self.difference[GATED]
        if (found.value if by == "mean" else found.low) >= -bar:
            return None
        return f"{GATED} {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


async def compare(collection: Collection, other: Finder, golden: list[Golden]) -> Compared:
    """Ask the serving version and another way all golden questions, at least one.

    Raises EncoderError.
    """
    before = await rankings(collection, natively(collection.serving), golden, golden)
    after = await rankings(collection, other, golden, golden)
    judgments = [one.judgments for one in golden]
    was: PerQuestion = per_question(before, judgments)
    now: PerQuestion = per_question(after, judgments)
    agree = [_common(one, two) for one, two in zip(before, after, strict=True)]
    return Compared(
        len(golden),
        estimates(was),
        estimates(now),
        {name: paired_difference(now[name], was[name]) for name in MEASURES},
        sum(agree) / len(agree),
        by_mark(golden, now),
        by_mark(golden, was),
    )


def by_mark(golden: list[Golden], values: PerQuestion) -> dict[str, float]:
    """Return the gated measure of each question by its mark."""
    marks = (one.mark for one in golden)
    return dict(zip(marks, values[GATED].tolist(), strict=True))


def _common(one: list[str], other: list[str]) -> float:
    """The share of the first ten that is among the other's first ten."""
    return len(set(one[:10]) & set(other[:10])) / max(1, len(one[:10]))


async def rankings(
    collection: Collection, finder: Finder, golden: list[Golden], every: list[Golden]
) -> list[list[str]]:
    """The external ids that are found for each question, best first.

    A question that an anchor answers is put to the anchors of `every` golden question instead, so
    that it is the same task for a sample of them.
    """
    apart = [place for place, one in enumerate(golden) if one.answer is not None]
    own = [one for one in golden if one.answer is None]
    found = await _among_documents(collection, finder, own)
    answers = {name: one.answer for one in every if one.answer for name in one.judgments}
    names, asked = list(answers), [golden[place].question for place in apart]
    orders = await finder.among(asked, list(answers.values())) if apart else []
    for place, order in zip(apart, orders, strict=True):
        found.insert(place, [names[at] for at in order[:DEPTH]])
    return found


async def _among_documents(
    collection: Collection, finder: Finder, golden: list[Golden]
) -> list[list[str]]:
    keys: list[list[int]] = []
    for first in range(0, len(golden), BATCH):
        texts = [one.question for one in golden[first : first + BATCH]]
        keys += await finder.find(texts, DEPTH)
    names = await asyncio.to_thread(collection.external_ids, {key for one in keys for key in one})
    return [[names[key] for key in one if key in names] for one in keys]
