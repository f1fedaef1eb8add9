"""Which anchors fit, which choose and which measure.

The rule of this file: the part that a text belongs to follows from its digest alone. So every
member of a consortium gets the same three parts without talking, a text never changes sides when
others come or go, and two copies of one text are on the same side.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VALIDATION_SHARE, TEST_SHARE = 0.1, 0.1


@dataclass(frozen=True)
class Split:
    """Row numbers (int64, ascending) of three disjoint parts."""

    fit: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split(digests: Sequence[str]) -> Split:
    """Split rows by the digests of their texts: about 80% fit, 10% validation, 10% test."""
    places = np.array([_place(digest) for digest in digests], dtype=np.float64)
    test = places < TEST_SHARE
    validation = ~test & (places < TEST_SHARE + VALIDATION_SHARE)
    return Split(
        fit=np.flatnonzero(~test & ~validation),
        validation=np.flatnonzero(validation),
        test=np.flatnonzero(test),
    )


def _place(digest: str) -> float:
    """Return a number in [0, 1) that depends on the digest only."""
    hashed = hashlib.sha256(b"interlingua anchor split v1\0" + digest.encode()).digest()
    return int.from_bytes(hashed[:6], "big") / 2**48
