"""A partner that enumerates a collection: how much of it do so many questions show?

The rule of this file: a document is seen when its reference was in a list. References are stable
within an epoch, so the partner counts distinct ones; what it has seen is checked against nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.extraction.knowledge import Field, Floats, Prior, unit

if TYPE_CHECKING:
    from benchmarks.extraction.silo import Partner, Shown

BATCH = 128


@dataclass
class Sightings:
    """What was seen: per reference the sum of the questions that showed it, and how many did."""

    sums: dict[str, Floats] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, question: Floats, shown: Shown) -> None:
        """Note a list. The higher a document stood, the nearer the question was to it."""
        for rank, (reference, _) in enumerate(shown, 1):
            self.sums[reference] = self.sums.get(reference, 0.0) + question / rank
            self.counts[reference] = self.counts.get(reference, 0) + 1

    def rarest(self, count: int, rng: np.random.Generator) -> Floats:
        """Estimates (count, d) of what was seen least: where unseen documents are near."""
        names = list(self.counts)
        order = np.argsort([self.counts[name] + rng.random() for name in names])[:count]
        return unit(np.stack([self.sums[names[at]] for at in order]))


Propose = Callable[[int, Sightings], Floats]
"""(number of the batch, what was seen so far) -> questions (n, d)."""


def proposer(strategy: str, known: Field, prior: Prior, rng: np.random.Generator) -> Propose:
    """Return how a strategy chooses its next questions.

    `random`: any direction. `distributed`: as public texts are distributed. `probes`: texts of the
    same kind. `neighbours`: beside the own estimates of what was seen least, from any direction.
    """
    dimension = known.documents.shape[1]

    def white(count: int = BATCH) -> Floats:
        return rng.standard_normal((count, dimension))

    def neighbours(_: int, seen: Sightings) -> Floats:
        if not seen.sums:
            return unit(white())
        beside = seen.rarest(BATCH, rng)
        away = unit(white(len(beside)) @ _spread(seen))
        return unit(beside + rng.uniform(0.2, 1.0, (len(beside), 1)) * away)

    strategies: dict[str, Propose] = {
        "random": lambda *_: unit(white()),
        "distributed": lambda *_: unit(prior.mean + white() @ prior.spread),
        "probes": lambda batch, _: known.probes(BATCH, batch),
        "neighbours": neighbours,
    }
    return strategies[strategy]


def _spread(seen: Sightings) -> Floats:
    """How the own estimates vary: the partner's picture of the collection so far, (m, d)-mixed."""
    rows = unit(np.stack(list(seen.sums.values())))
    rows = rows - rows.mean(axis=0)
    moments = rows.T @ rows / len(rows) + 1e-4 * np.eye(rows.shape[1])
    return np.asarray(np.linalg.cholesky(moments).T)


async def enumerate_collection(
    partner: Partner, propose: Propose, documents: int, budgets: list[int], k: int
) -> list[float]:
    """Return the share of the collection seen after each budget (vectors asked, ascending).

    Once the partner is refused the share stays.
    """
    seen, shares, batch = Sightings(), [], 0
    waiting: list[Floats] = []
    for budget in budgets:
        while partner.spent < budget and partner.stopped is None:
            if not waiting:
                waiting, batch = list(propose(batch, seen)), batch + 1
            asked = np.stack(waiting[: budget - partner.spent])
            waiting = waiting[len(asked) :]
            for question, shown in zip(asked, await partner.ask(asked, "ranks", k), strict=False):
                seen.add(question, shown or ())
        shares.append(len(seen.sums) / documents)
    return shares
