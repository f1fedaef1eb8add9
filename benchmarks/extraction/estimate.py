"""Vectors from what answers said of them.

The rule of this file: an answer is an inequality. A bin says low <= v.q < high; a floor that is
found by halving says v.q = floor within the last step; the order of a list says a.q >= b.q. All
estimates start from what the partner knows beforehand (`Prior.near`: how texts near one another
differ) and end on the unit sphere. v.q are cosines, for unit q and v.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from benchmarks.extraction.knowledge import Floats, unit

ROUNDS = 30
STEPS = 300
LEARNING = 0.03
MARGIN = 1e-3


@dataclass(frozen=True)
class Slabs:
    """n statements low <= v.q < high about one vector: questions (n, d), bounds (n,)."""

    questions: Floats
    low: Floats
    high: Floats

    def take(self, kept: NDArray[np.bool_]) -> Slabs:
        """Return some of them."""
        return Slabs(self.questions[kept], self.low[kept], self.high[kept])


def inside(slabs: Slabs, start: Floats, near: Floats) -> Floats:
    """Return the vector (d,) that is near `start` and inside the slabs, by least squares.

    Minimises |near^-1 (v - start)|^2 + sum (v.q - z)^2 / s^2, with z the point of each slab nearest
    to v.q and s its width over sqrt 12, in turns for v and z.
    """
    widths = np.maximum(slabs.high - slabs.low, 1e-5) / np.sqrt(12)
    scaled = (slabs.questions @ near.T) / widths[:, None]
    factor = cho_factor(scaled.T @ scaled + np.eye(near.shape[0]))
    offset = slabs.questions @ start
    target = (slabs.low + slabs.high) / 2
    found = start
    for _ in range(ROUNDS):
        white = cho_solve(factor, scaled.T @ ((target - offset) / widths))
        found = start + white @ near
        target = np.clip(slabs.questions @ found, slabs.low, slabs.high)
    return unit(found)


def inside_most(slabs: Slabs, start: Floats, near: Floats) -> Floats:
    """As `inside`, where a part of the slabs speaks of other vectors: the worst are left out."""
    kept = np.ones(len(slabs.low), dtype=bool)
    for share in (1.0, 0.9, 0.8, 0.7, 0.7):
        found = inside(slabs.take(kept), start, near)
        off = np.abs(slabs.questions @ found - (slabs.low + slabs.high) / 2)
        kept = off <= np.quantile(off, share)
    return inside(slabs.take(kept), start, near)


@dataclass(frozen=True)
class Orders:
    """Ranked lists: questions (n, d), and pairs of records by question, the nearer one first.

    `pairs` (p, 3) holds rows of `questions`, then two numbers of records.
    """

    questions: Floats
    pairs: NDArray[np.int64]


def in_order(orders: Orders, starts: Floats, near: Floats) -> Floats:
    """Return vectors (m, d) of all records that put them into the order of the lists.

    Starts from `starts` (m, d) and minimises the squared violations of (a - b).q >= margin plus a
    little |near^-1 (v - start)|^2, by Adam (Kingma and Ba, 2015).
    """
    seen = orders.questions @ near.T
    base = orders.questions @ starts.T
    at, first, second = orders.pairs.T
    white = np.zeros_like(starts)
    mean, square = np.zeros_like(white), np.zeros_like(white)
    weight = 1e-4 * len(at) / max(len(starts), 1)
    for step in range(1, STEPS + 1):
        scores = base + seen @ white.T
        short = np.maximum(0.0, MARGIN - scores[at, first] + scores[at, second])
        pulls = np.zeros_like(scores)
        np.add.at(pulls, (at, first), -short)
        np.add.at(pulls, (at, second), short)
        slope = pulls.T @ seen + weight * MARGIN * white
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        moved = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-12)
        white -= LEARNING * moved
    return unit(starts + white @ near)
