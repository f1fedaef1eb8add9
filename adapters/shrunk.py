"""Ridge that is drawn towards the Procrustes turn instead of towards zero.

With many anchors it is the regression, with few the turn, and in between better than both may be:
ridge's zero forgets what the anchors do not show, the turn keeps it. The turn is taken at the
length that fits best (Schoenemann and Carroll, "Fitting one matrix to another under choice of a
central dilation and a rigid motion", Psychometrika 35, 1970); the penalty is relative, as in
`adapters.regression`.
"""

import numpy as np

from adapters.affine import AffineMap
from adapters.map import Floats
from adapters.pairs import CentredPairs, Doubles, centre
from adapters.procrustes import rotation
from adapters.regression import affine, penalised

PENALTY = 0.3


def fit_shrunk(
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

    W minimises |XW' - Y|^2 + penalty * tr(X'X)/d_in * |W - sR|^2 over the centred pairs, with R the
    Procrustes turn and s its best length.

    Raises:
        FitRefused: the anchors are degenerate (see adapters/errors.py).
        ValueError: the penalty is not positive.
    """
    pairs = centre(source, target)
    weight = penalised(pairs, penalty, _turn(pairs))
    return affine("shrunk", pairs, weight, (source_space, target_space), mean_share, unit=unit)


def _turn(pairs: CentredPairs) -> Doubles:
    """Return the Procrustes turn at the length with the least squares."""
    turn = rotation(pairs.source, pairs.target)
    turned = pairs.source @ turn.T
    return np.asarray(turn * (np.vdot(turned, pairs.target) / np.vdot(turned, turned)))
