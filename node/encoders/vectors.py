"""The check that every vector passes before it is stored or asked with.

Finite, of the envelope's dimension, not zero; and of length 1 where the envelope says so, which is
put right here, because a model's float arithmetic is allowed to be off by a little. What has length
1 as nearly as float32 can say it stays as it is, bit by bit, however often it is checked.
"""

import numpy as np
import numpy.typing as npt

from node.encoders.errors import UnusableVectors
from protocol.envelope import Envelope
from protocol.vectors import MAX_LENGTH, MIN_LENGTH

FloatArray = npt.NDArray[np.float32]

ROUNDING = 1e-6
"""How far from 1 the length of a vector may lie that was brought to length 1 in float32."""


def checked(vectors: npt.ArrayLike, envelope: Envelope) -> FloatArray:
    """Return vectors (n, d) as float32 that keep the envelope's promises.

    Raises UnusableVectors, which names the first bad row and what is wrong with it.
    """
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite and is named below
            array = np.ascontiguousarray(vectors, dtype=np.float32)
    except (ValueError, TypeError):
        raise UnusableVectors(
            "the vectors are not lists of numbers, all of one length",
            fix="Give each vector as one list of numbers, e.g. [0.12, -0.5, 0.3].",
        ) from None
    if array.ndim != 2 or array.shape[1] != envelope.dimension:
        width = array.shape[1] if array.ndim == 2 else array.shape
        raise UnusableVectors(
            f"vectors have {width} components and the space has {envelope.dimension}",
            fix="Use the model that the envelope names.",
        )
    _refuse(np.any(~np.isfinite(array), axis=1), "holds a NaN or an infinity")
    # in float64, where the squares of no float32 overflow or vanish
    lengths = np.linalg.norm(array.astype(np.float64), axis=1)
    _refuse(lengths == 0, "is zero and so has no direction")
    if envelope.normalisation == "none":
        outside = (lengths < MIN_LENGTH) | (lengths > MAX_LENGTH)
        _refuse(outside, f"has a length outside {MIN_LENGTH:g} to {MAX_LENGTH:g}")
    if envelope.normalisation == "l2":
        off = np.abs(lengths - 1) > ROUNDING
        if off.any():
            scale = np.where(off, lengths, 1.0)
            array = (array / scale[:, None]).astype(np.float32)
    return array


def _refuse(bad: npt.NDArray[np.bool_], why: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise UnusableVectors(
            f"vector {row + 1} of {len(bad)} {why}",
            row,
            fix=(
                "Compute that vector again with the model that the envelope names, or leave its "
                "document out."
            ),
        )
