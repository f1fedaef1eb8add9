"""Synthetic documents and questions whose nearest neighbours are as hard to find as real ones.

The rule of this file: everything follows from the seed. Meanings are points of a low dimension
(the intrinsic dimension) around cluster centres; a model sees them by a random orthonormal map into
its own width, with a little noise of its own, scaled to length 1. Evenly random vectors would be a
caricature: in 384 dimensions all of them are about equally far from each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

NOISE = 0.02
"""Standard deviation of each component of a model's own noise, before scaling to length 1."""

BLOCK = 8192


@dataclass(frozen=True)
class Shape:
    """How much of what: `intrinsic` dimensions of meaning, `clusters` centres among them."""

    documents: int = 60_000
    dimension: int = 384
    asker_dimension: int = 256
    intrinsic: int = 24
    clusters: int = 300
    anchors: int = 2_000
    seed: int = 1


class World:
    """Meanings, and models that see them."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        rng = np.random.default_rng(shape.seed)
        self._centres = rng.normal(size=(shape.clusters, shape.intrinsic))
        self._weights = rng.dirichlet(np.full(shape.clusters, 0.7))  # clusters differ in size

    def meanings(self, count: int, stream: int) -> Floats:
        """Return `count` points (n, intrinsic); another `stream`, other points."""
        rng = np.random.default_rng([self.shape.seed, stream])
        chosen = rng.choice(len(self._centres), size=count, p=self._weights)
        around = 0.7 * rng.normal(size=(count, self.shape.intrinsic))
        return np.asarray(self._centres[chosen] + around, dtype=np.float32)

    def seen(self, meanings: Floats, width: int, stream: int) -> Floats:
        """Return what a model of this `width` makes of them, (n, width), rows of length 1.

        The model is the same for every stream, its noise is not.
        """
        basis = _orthonormal(np.random.default_rng([self.shape.seed, width]), width)
        mean = 0.3 * basis[-1]
        rng = np.random.default_rng([self.shape.seed, width, stream])
        rows = np.empty((len(meanings), width), dtype=np.float32)
        for start in range(0, len(meanings), BLOCK):
            block = meanings[start : start + BLOCK] / np.sqrt(self.shape.intrinsic)
            seen = block @ basis[: self.shape.intrinsic] + mean
            seen += NOISE * rng.standard_normal(seen.shape)
            rows[start : start + BLOCK] = seen / np.linalg.norm(seen, axis=1, keepdims=True)
        return rows


def _orthonormal(rng: np.random.Generator, width: int) -> NDArray[np.float64]:
    basis, _ = np.linalg.qr(rng.normal(size=(width, width)))
    return np.asarray(basis)
