"""Vectors that say in which space they lie.

The rule of this file: a vector is searched in the index of its own space or not at all. Two models'
vectors often have one width, and a search of one in the other's index gives a list that looks like
any other; so every search compares the two names, and nothing takes bare numbers.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


class ForeignSpace(Exception):
    """Vectors were about to be searched in another space than theirs: an error of this program."""


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Vectors (n, d) float32 in the space of that id; finite and not zero."""

    space: str
    vectors: FloatArray

    def require(self, space: str) -> FloatArray:
        """Return the vectors, if they lie in `space`. Raises ForeignSpace."""
        if self.space != space:
            raise ForeignSpace(f"vectors in {self.space} cannot be searched in {space}")
        return self.vectors
