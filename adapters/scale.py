"""What an asker takes a silo's scores for, before it merges them: fitted on known items.

Responders correct their scores each by itself (`adapters/corrected.py`); what is left is how well
this asker's questions work with each of them. Held-out anchors say it: the scores that questions
get with their own documents at a silo are brought, quantile by quantile, onto those that they get
at the asker's own (quantile mapping, as climate models are brought onto observations: Gudmundsson
et al., Hydrol. Earth Syst. Sci. 16, 2012), and what is then still too high or too low is moved by
whole steps (`adapters/shifts.py`).

The rule of this file: only anchors are looked at, and nothing that a partner says; the order of one
silo's scores is never changed.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from adapters.map import Floats
from adapters.shifts import STEP, fit_shifts

LEAST = 50
"""Known items below which quantiles say nothing, and scores are moved as a whole."""

QUANTILES = np.linspace(0.02, 0.98, 25)
LEAST_APART = 1e-4
"""Knots that lie nearer to each other are one."""


@dataclass(frozen=True)
class Scale:
    """What scores count for: the score `told[i]` for `meant[i]`, straight lines between.

    Both rise. Beyond the ends scores move as the nearest end does; without knots nothing moves.
    """

    told: tuple[float, ...] = ()
    meant: tuple[float, ...] = ()

    @classmethod
    def moved_by(cls, shift: float) -> "Scale":
        """Move every score by the same."""
        return cls((0.0,), (shift,))

    def apply(self, scores: Floats) -> Floats:
        """Return what scores, of any shape, count for."""
        if not self.told:
            return scores
        inner = np.interp(scores, self.told, self.meant)
        below = np.minimum(scores - self.told[0], 0.0)
        above = np.maximum(scores - self.told[-1], 0.0)
        return np.asarray(inner + below + above, dtype=np.float32)

    def of(self, score: float) -> float:
        """Return what one score counts for."""
        if not self.told:
            return score
        at = bisect_right(self.told, score)
        if at in (0, len(self.told)):
            end = min(at, len(self.told) - 1)
            return self.meant[end] + score - self.told[end]
        (x, y), (u, v) = ((self.told[i], self.meant[i]) for i in (at - 1, at))
        return y + (score - x) / (u - x) * (v - y)

    def plus(self, shift: float) -> "Scale":
        """Return the same, moved on."""
        if not self.told:
            return Scale.moved_by(shift)
        return replace(self, meant=tuple(each + shift for each in self.meant))


AS_TOLD = Scale()
"""Scores count for what they are."""


def fit_scales(scores: Sequence[Floats]) -> list[Scale]:
    """Return one scale for each silo, the first, the asker's own, as told.

    `scores[s]` (n, m) holds the scores that silo s would tell for n questions and m >= n documents;
    document i answers question i.

    Raises:
        WrongDimension: the silos' scores are not of the same questions and documents.
    """
    told = [_in_bins(rows) for rows in scores]
    shifts = fit_shifts(told)
    if len(scores[0]) < LEAST:
        return [AS_TOLD, *(Scale.moved_by(each) for each in shifts[1:])]
    own = _right(scores[0])
    scales = [AS_TOLD, *(_onto(own, _right(rows)) for rows in scores[1:])]
    shifts = fit_shifts([each.apply(rows) for each, rows in zip(scales, told, strict=True)])
    return [AS_TOLD, *(each.plus(by) for each, by in zip(scales[1:], shifts[1:], strict=True))]


def _right(scores: Floats) -> Floats:
    """The scores (n,) of questions with their own documents."""
    return np.asarray(np.diagonal(scores))


def _in_bins(scores: Floats) -> Floats:
    """The middles of the finest bins, which is what silos tell."""
    return np.asarray((np.floor(scores / STEP) + 0.5) * STEP, dtype=np.float32)


def _onto(own: Floats, other: Floats) -> Scale:
    """Bring the quantiles of another silo's scores onto those of the own ones."""
    told = np.quantile(other.astype(np.float64), QUANTILES)
    meant = np.quantile(own.astype(np.float64), QUANTILES)
    apart = np.concatenate([[True], np.diff(told) > LEAST_APART])
    return Scale(tuple(told[apart].tolist()), tuple(meant[apart].tolist()))
