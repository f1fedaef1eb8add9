"""Whitening: all directions of one member's anchors are brought to nearly the same length.

The rule of this file: what whitens is C + penalty * tr(C)/d * I and never the covariance C alone.
Directions in which anchors hardly differ would be raised to the length of the others, and what lies
in them is mostly noise.
"""

import numpy as np

from adapters.pairs import Doubles


def whitened(centred: Doubles, penalty: float) -> Doubles:
    """Return centred (n, d) rows times (C + penalty * tr(C)/d * I)^(-1/2), C their covariance.

    The penalty is relative, so that it means the same for any width, length and number of rows. The
    root is the symmetric one, so that turning the rows turns the result and nothing else.
    """
    values, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    # without the penalty an eigenvalue is at least zero, but for rounding
    values = np.maximum(values, 0.0) + penalty * values.mean()
    return np.asarray(centred @ (directions * values**-0.5) @ directions.T)
