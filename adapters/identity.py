"""The two baselines that every measured map is shown beside.

*Identity* passes vectors through, cut or padded with zeros where the widths differ: what one gets
by pretending that the spaces are one. *Mean* answers with the target's mean whatever comes in: what
one gets from knowing nothing but where the target's vectors lie.
"""

import numpy as np

from adapters.affine import AffineMap
from adapters.map import Floats
from adapters.pairs import centre


def identity(dimension: int, space: str, *, unit: bool = True) -> AffineMap:
    """Return the map of a space of `dimension` components onto itself."""
    return _padded(dimension, dimension, space, space, unit)


def fit_identity(
    source: Floats, target: Floats, source_space: str, target_space: str, *, unit: bool = True
) -> AffineMap:
    """Return the baseline that cuts or pads; (n, d_in) and (n, d_out) anchors give the widths."""
    centre(source, target)
    return _padded(source.shape[1], target.shape[1], source_space, target_space, unit)


def fit_mean(
    source: Floats, target: Floats, source_space: str, target_space: str, *, unit: bool = True
) -> AffineMap:
    """Return the baseline that gives the mean of the (n, d_out) target anchors."""
    pairs = centre(source, target)
    weight = np.zeros((target.shape[1], source.shape[1]), dtype=np.float32)
    bias = pairs.target_mean.astype(np.float32)
    return AffineMap("mean", weight, bias, source_space, target_space, unit)


def _padded(d_in: int, d_out: int, source: str, target: str, unit: bool) -> AffineMap:
    weight = np.eye(d_out, d_in, dtype=np.float32)
    return AffineMap("identity", weight, np.zeros(d_out, np.float32), source, target, unit)
