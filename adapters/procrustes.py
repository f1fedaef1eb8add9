"""Centred orthogonal Procrustes between spaces of any two widths.

Schoenemann, "A generalized solution of the orthogonal Procrustes problem", Psychometrika 31 (1966):
the orthogonal R that minimises |XR - Y| is UV' of the singular value decomposition of X'Y. The
narrower side is padded with zeros, which is the same as the thin decomposition, so W has
orthonormal rows or columns. Distances among questions survive; nothing is learned beyond a turn.
"""

import numpy as np

from adapters.affine import AffineMap
from adapters.map import Floats
from adapters.pairs import Doubles, centre
from adapters.regression import affine

LARGE_MEAN = 0.5
"""From this length of the target's mean on, how much of it to add back is a choice."""

MEAN_SHARES = (0.0, 0.5, 1.0)


def rotation(source: Doubles, target: Doubles) -> Doubles:
    """Return the (d_out, d_in) semi-orthogonal W that minimises |source W' - target|.

    `source` (n, d_in) and `target` (n, d_out) are centred.
    """
    left, _, right = np.linalg.svd(target.T @ source, full_matrices=False)
    return np.asarray(left @ right, dtype=np.float64)


def fit_procrustes(
    source: Floats,
    target: Floats,
    source_space: str,
    target_space: str,
    *,
    mean_share: float = 1.0,
    unit: bool = True,
) -> AffineMap:
    """Fit x -> W(x - source mean) + mean_share * g * target mean on (n, d) pairs.

    Raises:
        FitRefused: the anchors are degenerate (see adapters/errors.py).
    """
    pairs = centre(source, target)
    weight = rotation(pairs.source, pairs.target)
    return affine("procrustes", pairs, weight, (source_space, target_space), mean_share, unit=unit)


def mean_shares(target: Floats) -> tuple[float, ...]:
    """Return the shares of the target's mean worth trying: all of it, unless it is large."""
    length = float(np.linalg.norm(target.astype(np.float64).mean(axis=0)))
    return MEAN_SHARES if length > LARGE_MEAN else (1.0,)
