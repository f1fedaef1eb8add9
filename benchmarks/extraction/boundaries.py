"""A partner that reconstructs one record's vector from where answers turn.

The rule of this file: a boundary is an equation. It is found between a question on one side of it
and one on the other, for a whole batch of directions at once: by halving the way, or in the small
steps of `sparing`, which hardly ever meet the side that is counted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.extraction.estimate import Slabs, inside, inside_most
from benchmarks.extraction.knowledge import Floats, unit
from benchmarks.extraction.reconstruction import BATCH, Estimates, Target

if TYPE_CHECKING:
    from benchmarks.extraction.silo import Shown

HALVINGS = 10
SPARED = 0.1
"""How far `sparing` goes in one step, of the way that is left."""
STEPS = 30
"""Most steps of `sparing` in one direction."""
LOCAL = 0.1
"""How far `edge` strays from where it found the last record's edge: further, others interfere."""
Side = Callable[[Floats], Awaitable[list[int]]]
"""Ask questions (n, d) and say for each 1 inside, 0 outside, -1 where the answer does not tell."""


@dataclass
class Halving:
    """Bounds of where a boundary is crossed, along great circles from `inner` to `outer` (n, d)."""

    inner: Floats
    outer: Floats
    told: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.told = np.ones(len(self.inner), dtype=bool)

    async def run(self, side: Side, halvings: int = HALVINGS) -> bool:
        """Halve so often; False where the partner was refused meanwhile."""
        starts, of_start = np.unique(self.inner, axis=0, return_inverse=True)
        ends = np.array(await side(np.concatenate([starts, self.outer])))
        if len(ends) < len(starts) + len(self.outer):
            return False
        self.told &= (ends[: len(starts)][of_start.ravel()] == 1) & (ends[len(starts) :] == 0)
        for _ in range(halvings):
            middle = unit(self.inner + self.outer)
            sides = await side(middle[self.told])
            if len(sides) < int(self.told.sum()):
                return False
            self._narrow(middle, np.array(sides, dtype=np.int64))
        return True

    def _narrow(self, middle: Floats, sides: NDArray[np.int64]) -> None:
        at = np.flatnonzero(self.told)
        self.inner[at[sides == 1]] = middle[at[sides == 1]]
        self.outer[at[sides == 0]] = middle[at[sides == 0]]
        self.told[at[sides == -1]] = False

    @property
    def found(self) -> tuple[Floats, Floats]:
        """Points of the boundary (m, d), and how far each may be from it (m,)."""
        off = np.linalg.norm(self.inner - self.outer, axis=1) / 2
        return unit(self.inner + self.outer)[self.told], off[self.told]


async def floor(target: Target, budget: int) -> Estimates:
    """Where the record leaves the list because it falls below the floor, v.q is the floor."""
    partner = target.partner

    async def side(questions: Floats) -> list[int]:
        shown = await partner.ask(questions, "ranks")
        most = int(partner.grant.get("max_k", 10))
        return [-1 if one is None else _listed(target.reference, one, most) for one in shown]

    ends = partial(_from, target)
    async for points, off in _edges(target, budget, ends, side):
        slabs = Slabs(points, target.floor - off, target.floor + off)
        yield partner.spent, inside(slabs, target.question, target.prior.near)


async def known(target: Target, budget: int, other: str, vector: Floats, k: int) -> Estimates:
    """Where the record changes places with one whose vector (d,) the partner has, v.q is that's."""
    partner = target.partner

    async def side(questions: Floats) -> list[int]:
        shown = await partner.ask(questions, "ranks", k)
        return [_before(target.reference, other, one or ()) for one in shown]

    def ends(count: int) -> tuple[Floats, Floats]:
        reach = float(target.rng.choice([0.5, 1.0]))
        return target.around(target.question, count, reach), target.around(vector, count, reach)

    async for points, off in _edges(target, budget, ends, side):
        level = points @ vector
        slabs = Slabs(points, level - off, level + off)
        yield partner.spent, inside(slabs, target.question, target.prior.near)


async def sparing(target: Target, budget: int, known: dict[str, Floats]) -> Estimates:
    """As `known` with many known records, at k = 1, so that hardly an answer names the target.

    An answer that names a known record says that the target is farther, and is counted for the
    other. So each step goes a tenth of the way from the known record's side instead of half.
    """
    partner, rng = target.partner, target.rng
    names = list(known)
    found: list[tuple[Floats, Floats]] = []
    while partner.spent < budget and partner.stopped is None:
        count = min(BATCH, budget - partner.spent)
        centres = np.stack([known[name] for name in rng.choice(names, count)])
        outer = unit(centres + rng.choice([0.3, 0.6]) * unit(_white(target, count)))
        inner = np.tile(target.question, (count, 1))
        closed, level = np.zeros(count, dtype=bool), np.full(count, np.nan)
        alive = np.ones(count, dtype=bool)
        for _ in range(STEPS):
            if not alive.any() or partner.spent >= budget or partner.stopped is not None:
                break
            at = np.flatnonzero(alive)[: budget - partner.spent]
            asked = unit(SPARED * inner[at] + (1 - SPARED) * outer[at])
            shown = await partner.ask(asked, "ranks", 1)
            for place, question, one in zip(at, asked, shown, strict=False):
                first = one[0][0] if one else ""
                if first in known:
                    outer[place], level[place] = question, known[first] @ question
                elif first == target.reference and not np.isnan(level[place]):
                    inner[place], closed[place], alive[place] = question, True, False
                else:
                    alive[place] = False
        if closed.any():
            found.append((outer[closed], inner[closed]))
            yield partner.spent, _between(target, found, np.stack(list(known.values())))


def _between(target: Target, found: list[tuple[Floats, Floats]], known: Floats) -> Floats:
    """The estimate from pairs of questions, on either side of where the target is nearest."""
    outer, inner = (np.concatenate(side) for side in zip(*found, strict=True))
    points, off = unit(inner + outer), np.linalg.norm(inner - outer, axis=1) / 2
    level = (points @ known.T).max(axis=1)
    slabs = Slabs(points, level - off, level + off)
    return inside(slabs, target.question, target.prior.near)


def _white(target: Target, count: int) -> Floats:
    """Directions (count, d) in which near texts differ."""
    return target.rng.standard_normal((count, len(target.question))) @ target.prior.near


async def edge(target: Target, budget: int, centre: Floats, out: Floats) -> Estimates:
    """Where `boolean` turns, the last record above the floor has v.q = floor; no list is needed.

    `centre` lies inside, `out` outside, both beside the last record's own edge. See `last_edge`.
    """
    partner = target.partner

    def ends(count: int) -> tuple[Floats, Floats]:
        away = LOCAL * unit(target.rng.standard_normal((count, len(out))))
        return np.tile(centre, (count, 1)), unit(out + away)

    async for points, off in _edges(target, budget, ends, partial(_yes, target)):
        slabs = Slabs(points, target.floor - off, target.floor + off)
        yield partner.spent, inside_most(slabs, target.question, target.prior.near)


async def last_edge(target: Target) -> tuple[Floats, Floats] | None:
    """Walk away from a question until nothing is above the floor: a point just inside, one outside.

    None where no way out was found.
    """
    halving = Halving(*_from(target, 1))
    if not await halving.run(partial(_yes, target)) or not halving.told[0]:
        return None
    ((crossing,), _) = halving.found
    inwards = unit(target.question - (target.question @ crossing) * crossing)
    return unit(crossing + LOCAL / 2 * inwards), unit(crossing - LOCAL / 2 * inwards)


async def _edges(
    target: Target, budget: int, ends: Callable[[int], tuple[Floats, Floats]], side: Side
) -> AsyncIterator[tuple[Floats, Floats]]:
    """Find points of a boundary, a batch of directions at a time; yield all so far.

    As `Halving.found`: points (m, d), and how far each may be from the boundary (m,).
    """
    found: list[tuple[Floats, Floats]] = []
    cost = HALVINGS + 2
    while target.partner.spent < budget and target.partner.stopped is None:
        count = min(BATCH, max(1, (budget - target.partner.spent) // cost))
        halving = Halving(*ends(count))
        if not await halving.run(side) or budget - target.partner.spent < 0:
            return
        if halving.told.any():
            found.append(halving.found)
            yield np.concatenate([p for p, _ in found]), np.concatenate([o for _, o in found])


def _from(target: Target, count: int) -> tuple[Floats, Floats]:
    """Great circles from the target's question to points at right angles to it."""
    centre = target.question
    away = target.rng.standard_normal((count, len(centre)))
    away -= np.outer(away @ centre, centre)
    return np.tile(centre, (count, 1)), unit(away)


async def _yes(target: Target, questions: Floats) -> list[int]:
    """Inside where there is one above the floor."""
    least = int(target.partner.grant.get("smallest_count", 1))
    said = await target.partner.ask(questions, "boolean", least)
    return [-1 if one is None else int(one) for one in said]


def _listed(reference: str, shown: Shown, most: int) -> int:
    """Inside where it is listed; a full list does not tell why one is missing."""
    if reference in dict(shown):
        return 1
    return -1 if len(shown) >= most else 0


def _before(reference: str, other: str, shown: Shown) -> int:
    """Inside where the one stands before the other; a list without either does not tell."""
    order = [one for one, _ in shown if one in (reference, other)]
    if not order:
        return -1
    return 1 if order[0] == reference else 0
