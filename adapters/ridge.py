"""Ridge regression from one space into another.

Hoerl and Kennard, "Ridge regression", Technometrics 12 (1970). The penalty is relative, see
`adapters.regression`.
"""

from adapters.affine import AffineMap
from adapters.map import Floats
from adapters.pairs import centre
from adapters.regression import affine, penalised

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
    pairs = centre(source, target)
    weight = penalised(pairs, penalty)
    return affine("ridge", pairs, weight, (source_space, target_space), mean_share, unit=unit)
