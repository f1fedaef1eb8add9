"""The matrices of a fit, looked at before anything is solved.

The rule of this file: degenerate anchors are refused by name. A map fitted on them would look like
a map and find nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.errors import Collapsed, Duplicates, NotFinite, TooFewPairs, WrongDimension
from adapters.map import Floats

MIN_PAIRS = 50
"""Fewer pairs than this say nothing about a space of any usual width."""

MIN_SPREAD = 1e-4
"""Least share of the mean squared length that must be variance around the mean."""

MAX_COPIES = 0.5
"""Largest share of rows that may be exact copies of other rows."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class CentredPairs:
    """Anchor pairs around their means, in float64.

    Attributes:
        source: (n, d_in), target: (n, d_out); row i of both is the same text.
        source_mean: (d_in,), target_mean: (d_out,).
    """

    source: Doubles
    target: Doubles
    source_mean: Doubles
    target_mean: Doubles


def shift(pairs: CentredPairs, weight: Doubles, mean_share: float) -> Doubles:
    """Return the (d_out,) bias of x -> W(x - source mean) + mean_share * g * target mean.

    g = |XW'| / |Y|, the share of the target's spread that W (d_out, d_in) keeps. Without it the
    mean would drown what a map that shrinks says of a vector, the more the stronger the penalty.
    """
    kept = np.linalg.norm(pairs.source @ weight.T) / np.linalg.norm(pairs.target)
    return np.asarray(mean_share * kept * pairs.target_mean - weight @ pairs.source_mean)


def centre(source: Floats, target: Floats) -> CentredPairs:
    """Check (n, d_in) and (n, d_out) anchors and centre both.

    Raises:
        WrongDimension, TooFewPairs, NotFinite, Collapsed, Duplicates.
    """
    if source.ndim != 2 or target.ndim != 2 or len(source) != len(target):
        raise WrongDimension(
            f"a fit needs one row per text on both sides, got {source.shape} and {target.shape}"
        )
    if len(source) < MIN_PAIRS:
        raise TooFewPairs(f"{len(source)} anchor pairs; at least {MIN_PAIRS} are needed to fit")
    left = check_rows(source, "source")
    right = check_rows(target, "target")
    left_mean, right_mean = left.mean(axis=0), right.mean(axis=0)
    return CentredPairs(left - left_mean, right - right_mean, left_mean, right_mean)


def check_rows(rows: Floats, side: str) -> Doubles:
    """Return (n, d) rows as float64, or refuse them; `side` names them in the error."""
    if not np.isfinite(rows).all():
        raise NotFinite(f"the {side} anchors hold a component that is NaN or infinite")
    wide = rows.astype(np.float64)
    power = float(np.mean(np.einsum("ij,ij->i", wide, wide)))
    spread = float(wide.var(axis=0).sum())
    if power == 0.0 or spread < MIN_SPREAD * power:
        raise Collapsed(
            f"the {side} anchors hardly differ from each other; check the encoder that made them"
        )
    distinct = len({row.tobytes() for row in rows})
    if distinct < (1.0 - MAX_COPIES) * len(rows):
        raise Duplicates(
            f"only {distinct} of {len(rows)} {side} anchors are distinct; "
            "remove repeated texts or check the encoder"
        )
    return wide
