"""The form of every map but the mixture: x -> Wx + b, brought to length 1 where the target is.

The rule of this file: a map knows where it leads from and to. Its direction is part of its
identity, so the way back is another map with another digest.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adapters.errors import NotFinite, WrongDimension
from adapters.map import Floats, Kind


@dataclass(frozen=True, eq=False)
class AffineMap:
    """A map (`adapters.map.Map`) of one weight and one bias.

    Attributes:
        kind: how it was fitted.
        weight: (d_out, d_in) float32.
        bias: (d_out,) float32.
        source: space id of what goes in.
        target: space id of what comes out.
        unit: whether results are brought to length 1, as the target's envelope demands.
    """

    kind: Kind
    weight: Floats
    bias: Floats
    source: str
    target: str
    unit: bool = True

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.bias.shape != self.weight.shape[:1]:
            raise WrongDimension("a map needs a (d_out, d_in) weight and a (d_out,) bias")
        if not (np.isfinite(self.weight).all() and np.isfinite(self.bias).all()):
            raise NotFinite("a map's weight or bias is not finite; fit it again")

    @property
    def d_in(self) -> int:
        """Width of the source space."""
        return int(self.weight.shape[1])

    @property
    def d_out(self) -> int:
        """Width of the target space."""
        return int(self.weight.shape[0])

    def apply(self, vectors: Floats) -> Floats:
        """Map (n, d_in) float32 vectors; returns (n, d_out) float32. Raises WrongDimension."""
        if vectors.ndim != 2 or vectors.shape[1] != self.d_in:
            raise wrong_width(vectors, self.d_in)
        mapped = vectors @ self._transposed
        # one question is the usual case, and numpy adds and scales a single row sooner
        shifted = mapped[0] if len(mapped) == 1 else mapped
        shifted += self.bias
        if self.unit:
            bring_to_length_one(shifted)
        return np.asarray(mapped, dtype=np.float32)

    @cached_property
    def _transposed(self) -> Floats:
        # Rows by columns in the order in which the product reads them.
        return np.ascontiguousarray(self.weight.T)


def wrong_width(vectors: Floats, d_in: int) -> WrongDimension:
    """The refusal of vectors that are not (n, d_in)."""
    return WrongDimension(f"this map takes vectors of {d_in} components, got shape {vectors.shape}")


_LEAST = float(np.finfo(np.float32).tiny)


def bring_to_length_one(rows: Floats) -> None:
    """Divide one row (d,) or several (n, d) by their lengths, in place; a row of zeros stays."""
    if rows.ndim == 1:
        rows *= 1.0 / max(math.sqrt(rows.dot(rows)), _LEAST)
        return
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    rows /= np.maximum(lengths, _LEAST)[:, None]
