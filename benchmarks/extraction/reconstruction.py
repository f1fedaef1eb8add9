"""A partner that reconstructs one record's vector from the lists around it: bins and ranks.

The rule of this file: an attack yields estimates as it goes, each with the vectors asked so far,
and never sees the truth.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.extraction.estimate import Orders, Slabs, in_order, inside
from benchmarks.extraction.knowledge import Floats, Prior, unit

if TYPE_CHECKING:
    from benchmarks.extraction.silo import Partner, Shown

BATCH = 128
RECORDS = 40
"""Records whose vectors are estimated together from ranks."""

Estimates = AsyncIterator[tuple[int, Floats]]
"""(vectors asked so far, estimate (d,))"""


@dataclass
class Target:
    """A record under attack: the question that found it, its reference, what is known beforehand.

    `floor` is the grant's floor as a cosine, which a partner finds by the same halving.
    """

    partner: Partner
    question: Floats
    reference: str
    prior: Prior
    rng: np.random.Generator
    floor: float = -1.0

    def around(self, centre: Floats, count: int, reach: float) -> Floats:
        """Questions (count, d) around a point (d,), in directions in which near texts differ."""
        white = self.rng.standard_normal((count, len(centre)))
        return unit(centre + reach * unit(white @ self.prior.near))


async def bins(target: Target, budget: int, width: float, *, order: bool = False) -> Estimates:
    """Ask around the estimate with scores, and put the vector inside the bins it was shown in.

    `order`: start from where the lists' order puts it, instead of from the question.
    """
    partner, estimate, start = target.partner, target.question, target.question
    lists: list[tuple[Floats, Shown]] = []
    numbers: list[int] = []
    while partner.spent < budget and partner.stopped is None:
        # few at first, where each answer tells most of where to ask next
        count = min(max(16, len(numbers)), BATCH, budget - partner.spent)
        questions = target.around(estimate, count, target.rng.choice([0.4, 0.8, 1.2]))
        before = len(lists)
        shown = await partner.ask(questions, "bins")
        lists += [
            (question, one)
            for question, one in zip(questions, shown, strict=False)
            if target.reference in dict(one or ())
        ]
        if order and len(lists) > before:
            start = _ordered(target, lists)
        binned = [(q, dict(one)[target.reference]) for q, one in lists]
        numbers = [number for _, number in binned if number is not None]
        if numbers and len(lists) > before:
            low = np.array(numbers) * width
            asked = np.stack([question for question, number in binned if number is not None])
            estimate = inside(Slabs(asked, low, low + width), start, target.prior.near)
        yield partner.spent, estimate


async def ranks(target: Target, budget: int) -> Estimates:
    """Ask around the estimate, and order all records that were listed with it as the lists do."""
    partner, estimate = target.partner, target.question
    lists: list[tuple[Floats, Shown]] = []
    while partner.spent < budget and partner.stopped is None:
        # twice as many each time: fitting costs more than asking
        count = min(max(2 * BATCH, len(lists)), budget - partner.spent)
        questions = target.around(estimate, count, target.rng.choice([0.4, 0.8, 1.2]))
        lists += zip(questions, await partner.ask(questions, "ranks"), strict=False)
        near = [(q, shown) for q, shown in lists if target.reference in dict(shown or ())]
        if near:
            estimate = _ordered(target, near)
        yield partner.spent, estimate


def _ordered(target: Target, lists: list[tuple[Floats, Shown]]) -> Floats:
    """The target's vector from lists that it stands in, with the records most often beside it."""
    counts: dict[str, int] = {}
    sums: dict[str, Floats] = {}
    for question, shown in lists:
        for rank, (reference, _) in enumerate(shown, 1):
            counts[reference] = counts.get(reference, 0) + 1
            sums[reference] = sums.get(reference, 0.0) + question / rank
    counts[target.reference] = len(lists) + 1  # the first of all
    names = sorted(counts, key=lambda name: -counts[name])[:RECORDS]
    number = {name: at for at, name in enumerate(names)}
    pairs = []
    for row, (_, shown) in enumerate(lists):
        order = [number[reference] for reference, _ in shown if reference in number]
        pairs += [(row, first, second) for first, second in pairwise(order)]
    starts = unit(np.stack([sums[name] for name in names]))
    if not pairs:
        return np.asarray(starts[0])
    orders = Orders(np.stack([question for question, _ in lists]), np.array(pairs))
    return np.asarray(in_order(orders, starts, target.prior.near)[0])
