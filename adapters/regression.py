"""What every map that is fitted by least squares or a turn does: solve, and put the means back.

The rule of this file: a penalty is given in units of the source's mean eigenvalue, so that one
figure means the same for any width, length and number of anchors.
"""

import numpy as np

from adapters.affine import AffineMap
from adapters.map import Kind
from adapters.pairs import CentredPairs, Doubles, shift


def penalised(pairs: CentredPairs, penalty: float, prior: Doubles | None = None) -> Doubles:
    """Return the (d_out, d_in) W that is best under a relative penalty.

    It minimises |XW' - Y|^2 + penalty * tr(X'X)/d_in * |W - prior|^2; `prior` is zero where None.

    Raises:
        ValueError: the penalty is not positive.
    """
    if not penalty > 0.0:
        raise ValueError(f"penalty must be above zero, got {penalty}")
    return towards(pairs, prior, penalty * mean_eigenvalue(pairs))


def towards(pairs: CentredPairs, prior: Doubles | None, strength: float) -> Doubles:
    """Return the (d_out, d_in) W that minimises |XW' - Y|^2 + strength * |W - prior|^2.

    `prior` is zero where None.
    """
    gram = pairs.source.T @ pairs.source
    gram[np.diag_indices(len(gram))] += strength
    cross = pairs.source.T @ pairs.target
    if prior is not None:
        cross += strength * prior.T
    return np.asarray(np.linalg.solve(gram, cross).T, dtype=np.float64)


def mean_eigenvalue(pairs: CentredPairs) -> float:
    """Return tr(X'X) / d_in, the unit in which penalties are given."""
    return float(np.vdot(pairs.source, pairs.source) / pairs.source.shape[1])


def affine(
    kind: Kind,
    pairs: CentredPairs,
    weight: Doubles,
    spaces: tuple[str, str],
    mean_share: float,
    *,
    unit: bool,
) -> AffineMap:
    """Return the map x -> W(x - source mean) + mean_share * g * target mean between `spaces`."""
    bias = shift(pairs, weight, mean_share)
    return AffineMap(kind, weight.astype(np.float32), bias.astype(np.float32), *spaces, unit)
