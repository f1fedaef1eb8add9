"""Regions of a space with soft borders, found in its anchors.

k-means (Lloyd, "Least squares quantization in PCM", 1982), seeded by k-means++ (Arthur and
Vassilvitskii, 2007). A vector belongs to region k by softmax(-|x - c_k|^2 / T), which is linear in
x inside the softmax because |x|^2 is the same for all k. T is such that a typical anchor prefers
the nearest centre to the next by e^`PREFERENCE`, so borders are as soft as the anchors are close to
them. The same anchors give the same regions.
"""

from dataclasses import dataclass

import numpy as np

from adapters.pairs import Doubles

SEED = 20240229
PREFERENCE = 2.0
_ROUNDS = 25


@dataclass(frozen=True)
class Regions:
    """Soft regions: `weight` (k, d) and `bias` (k,) of a softmax."""

    weight: Doubles
    bias: Doubles

    def shares(self, rows: Doubles) -> Doubles:
        """Return how much of each of (n, d) rows lies in each region: (n, k), rows of sum 1."""
        logits = rows @ self.weight.T + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        return np.asarray(logits / logits.sum(axis=1, keepdims=True))


def regions(rows: Doubles, count: int) -> Regions:
    """Return `count` (2 or more) regions of (n, d) rows."""
    centres = _first_centres(rows, count)
    for _ in range(_ROUNDS):
        nearest = np.argmin(_distances(rows, centres), axis=1)
        moved = np.stack([_mean(rows[nearest == k], centres[k]) for k in range(count)])
        if np.array_equal(moved, centres):
            break
        centres = moved
    two = np.partition(_distances(rows, centres), 1, axis=1)
    softness = float(np.mean(two[:, 1] - two[:, 0])) / PREFERENCE
    return Regions(2.0 * centres / softness, -np.einsum("ij,ij->i", centres, centres) / softness)


def _first_centres(rows: Doubles, count: int) -> Doubles:
    """Draw rows that are far apart, each by its squared distance from those drawn before."""
    rng = np.random.default_rng(SEED)
    centres: Doubles = rows[rng.integers(len(rows))][None]
    while len(centres) < count:
        away = np.maximum(_distances(rows, centres).min(axis=1), 0.0)
        centres = np.vstack([centres, rows[rng.choice(len(rows), p=away / away.sum())]])
    return centres


def _distances(rows: Doubles, centres: Doubles) -> Doubles:
    """Return squared distances (n, k) of (n, d) rows from (k, d) centres."""
    lengths = np.einsum("ij,ij->i", rows, rows)[:, None]
    return np.asarray(lengths - 2.0 * rows @ centres.T + np.einsum("ij,ij->i", centres, centres))


def _mean(rows: Doubles, otherwise: Doubles) -> Doubles:
    """Return the mean of a cluster's rows; a cluster that lost them all stays where it was."""
    return np.asarray(rows.mean(axis=0)) if len(rows) else otherwise
