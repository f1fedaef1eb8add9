"""How quality grows with the number of anchors, and what twice as many would bring.

The curve is quality(n) = a - b / sqrt(n), the rate at which a regression's error falls with its
sample (Viering and Loog, "The shape of learning curves", TPAMI 45, 2023, compare such curves),
fitted through the last points by least squares. What is extrapolated is then a fixed linear
combination of the points, so it is computed for each question and has a bootstrap interval
like any other figure. The interval is over questions; that another curve might fit is not in it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.errors import TooFewPairs
from adapters.map import Chain
from adapters.metrics import Estimate, Values, estimate
from adapters.quality import HeldOut, known_item_values

Rows = NDArray[np.int64]

LEAST = 250
POINTS = 3
"""How many of the last points the curve is fitted through; early ones follow other laws."""


@dataclass(frozen=True)
class CurvePoint:
    """MRR of known items with maps that were fitted on so many anchors."""

    anchors: int
    mrr: Estimate


@dataclass(frozen=True)
class LearningCurve:
    """Points by ascending number of anchors, the last being all.

    `doubled` is the gain in MRR that twice as many anchors should bring, with a 95% interval.
    """

    points: tuple[CurvePoint, ...]
    doubled: Estimate


def learning_curve(
    fit: Callable[[Rows], Chain], rows: Rows, part: HeldOut, *, least: int = LEAST
) -> LearningCurve:
    """Fit on all `rows`, on the first half of them, and so on down to `least`; measure on `part`.

    Args:
        fit: fits the maps of a route on the anchors of these rows alone.
        rows: (n,) row numbers in an order that is random as far as the texts go, as that of their
            digests is.
        part: held-out anchors.
        least: fewest anchors to fit on.

    Raises:
        TooFewPairs: fewer than twice `least` rows.
        FitRefused: the anchors are degenerate.
    """
    sizes = [len(rows)]
    while sizes[0] // 2 >= least:
        sizes.insert(0, sizes[0] // 2)
    if len(sizes) < 2:
        raise TooFewPairs(f"a learning curve needs at least {2 * least} anchors, got {len(rows)}")
    values = [known_item_values(fit(rows[:size]), part) for size in sizes]
    points = [CurvePoint(size, estimate(each)) for size, each in zip(sizes, values, strict=True)]
    return LearningCurve(tuple(points), estimate(_gain(sizes[-POINTS:], values[-POINTS:])))


def _gain(sizes: list[int], values: list[Values]) -> Values:
    """Return per question what doubling the last size adds on the fitted curve."""
    x = 1.0 / np.sqrt(np.asarray(sizes, dtype=np.float64))
    centred = x - x.mean()
    slope = np.asarray(centred @ np.stack(values) / (centred @ centred))
    step = 1.0 / np.sqrt(2.0 * sizes[-1]) - x[-1]
    return np.asarray(slope * step, dtype=np.float64)
