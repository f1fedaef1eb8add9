"""Ridge that is drawn towards the Procrustes turn instead of towards zero.

With many anchors it is the regression, with few the turn, and in between better than both may be:
ridge's zero forgets what the anchors do not show, the turn keeps it. The turn is taken at the
length that fits best (Schoenemann and Carroll, "Fitting one matrix to another under choice of a
central dilation and a rigid motion", Psychometrika 35, 1970); the penalty is relative, as in
`adapters.ridge`.
"""

import numpy as np

from adapters.affine import AffineMap
from adapters.map import Floats
from adapters.pairs import CentredPairs, Doubles, centre, shift
from adapters.procrustes import rotation

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
    if not penalty > 0.0:
        raise ValueError(f"penalty must be above zero, got {penalty}")
    pairs = centre(source, target)
    weight = towards(pairs, _turn(pairs), penalty * mean_eigenvalue(pairs))
    bias = shift(pairs, weight, mean_share)
    return AffineMap(
        "shrunk",
        weight.astype(np.float32),
        bias.astype(np.float32),
        source_space,
        target_space,
        unit,
    )


def towards(pairs: CentredPairs, prior: Doubles, strength: float) -> Doubles:
    """Return the (d_out, d_in) W that minimises |XW' - Y|^2 + strength * |W - prior|^2."""
    gram = pairs.source.T @ pairs.source
    gram[np.diag_indices(len(gram))] += strength
    cross = pairs.source.T @ pairs.target
    return np.asarray(np.linalg.solve(gram, cross + strength * prior.T).T)


def mean_eigenvalue(pairs: CentredPairs) -> float:
    """Return tr(X'X) / d_in, the unit in which penalties are given."""
    return float(np.vdot(pairs.source, pairs.source) / pairs.source.shape[1])


def _turn(pairs: CentredPairs) -> Doubles:
    """Return the Procrustes turn at the length with the least squares."""
    turn = rotation(pairs.source, pairs.target)
    turned = pairs.source @ turn.T
    return np.asarray(turn * (np.vdot(turned, pairs.target) / np.vdot(turned, turned)))
