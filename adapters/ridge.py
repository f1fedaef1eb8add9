"""Ridge regression from one space into another.

Hoerl and Kennard, "Ridge regression", Technometrics 12 (1970). The penalty is relative: it is
`penalty` times the mean eigenvalue of the source's covariance, so that one figure means the same
for any width, length and number of anchors.
"""

import numpy as np

from adapters.affine import AffineMap
from adapters.map import Floats
from adapters.pairs import centre, shift

PENALTY = 0.01


def fit_ridge(
    source: Floats,
    target: Floats,
    source_space: str,
    target_space: str,
    *,
    penalty: float = PENALTY,
    mean_share: float = 1.0,
    unit: bool = True,
) -> AffineMap:
    """Fit x -> W(x - source mean) + mean_share * g * target mean on (n, d) pairs.

    W minimises |XW' - Y|^2 + penalty * tr(X'X)/d_in * |W|^2 over the centred pairs.

    Raises:
        FitRefused: the anchors are degenerate (see adapters/errors.py).
        ValueError: the penalty is not positive.
    """
    if not penalty > 0.0:
        raise ValueError(f"penalty must be above zero, got {penalty}")
    pairs = centre(source, target)
    gram = pairs.source.T @ pairs.source
    width = len(gram)
    gram[np.diag_indices(width)] += penalty * np.trace(gram) / width
    weight = np.asarray(np.linalg.solve(gram, pairs.source.T @ pairs.target).T, dtype=np.float64)
    bias = shift(pairs, weight, mean_share)
    return AffineMap(
        "ridge",
        weight.astype(np.float32),
        bias.astype(np.float32),
        source_space,
        target_space,
        unit,
    )
