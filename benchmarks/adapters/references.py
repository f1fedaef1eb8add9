"""Other ways to fit a map, measured as references; one is promoted if it wins on real models.

Each takes (n, d) anchor pairs and returns a function of (n, d) vectors. Only numpy, so that they
run wherever the benchmark does.

low-rank      reduced-rank regression (Izenman 1975): ridge, then the leading directions of its fit
whitened      both sides whitened, turned, coloured again by the target (CCA with all directions)
reweighted    Procrustes in which rare directions of both sides count more: half-whitened
contrastive   linear, from ridge on trained to tell a text from the others of a batch (InfoNCE)
residual MLP  ridge plus one hidden layer, trained to the target's vectors
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from adapters.map import Floats
from adapters.pairs import CentredPairs, Doubles, centre
from adapters.procrustes import rotation
from adapters.ridge import fit_ridge

Apply = Callable[[Floats], Floats]

HALF = 0.5
TEMPERATURE = 0.05
STEPS, BATCH, RATE = 600, 256, 1e-3
HIDDEN = 256


def low_rank(source: Floats, target: Floats, rank: int = 128) -> Apply:
    """Ridge cut to its `rank` leading directions in the target space."""
    pairs = centre(source, target)
    whole = fit_ridge(source, target, "a", "b").weight.astype(np.float64)
    _, _, directions = np.linalg.svd(pairs.source @ whole.T, full_matrices=False)
    kept = directions[:rank].T @ directions[:rank]
    return _linear(pairs, kept @ whole)


def whitened(source: Floats, target: Floats, power: float = 1.0) -> Apply:
    """Whiten both sides to `power`, turn, and colour the result as the target is."""
    pairs = centre(source, target)
    into, _ = _powers(pairs.source, power)
    there, back = _powers(pairs.target, power)
    return _linear(pairs, back @ rotation(pairs.source @ into, pairs.target @ there) @ into)


def reweighted(source: Floats, target: Floats) -> Apply:
    """`whitened` half way."""
    return whitened(source, target, HALF)


def contrastive(source: Floats, target: Floats, seed: int = 0) -> Apply:
    """A linear map that tells each text from the others of its batch."""
    pairs = centre(source, target)
    rng = np.random.default_rng(seed)
    weight = fit_ridge(source, target, "a", "b").weight.astype(np.float64)
    adam = _Adam([weight])
    goal = _unit(pairs.target)
    for _ in range(STEPS):
        rows = rng.choice(len(goal), min(BATCH, len(goal)), replace=False)
        asked = pairs.source[rows] @ weight.T
        lengths = np.linalg.norm(asked, axis=1, keepdims=True)
        unit = asked / lengths
        logits = unit @ goal[rows].T / TEMPERATURE
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        by_unit = (shares - np.eye(len(rows))) @ goal[rows] / TEMPERATURE / len(rows)
        by_asked = (by_unit - unit * np.sum(by_unit * unit, axis=1, keepdims=True)) / lengths
        adam.step([by_asked.T @ pairs.source[rows]])
    return _linear(pairs, weight)


def residual_mlp(source: Floats, target: Floats, seed: int = 0) -> Apply:
    """Ridge, and a hidden layer of rectified units for what it leaves over."""
    pairs = centre(source, target)
    rng = np.random.default_rng(seed)
    whole = fit_ridge(source, target, "a", "b").weight.astype(np.float64)
    width = pairs.source.shape[1]
    first = rng.normal(size=(HIDDEN, width)) * np.sqrt(2.0 / width)
    second = np.zeros((pairs.target.shape[1], HIDDEN))
    left = pairs.target - pairs.source @ whole.T
    adam = _Adam([first, second])
    for _ in range(STEPS):
        rows = rng.choice(len(left), min(BATCH, len(left)), replace=False)
        hidden = np.maximum(pairs.source[rows] @ first.T, 0.0)
        error = 2.0 * (hidden @ second.T - left[rows]) / len(rows)
        by_hidden = (error @ second) * (hidden > 0)
        adam.step([by_hidden.T @ pairs.source[rows], error.T @ hidden])

    def apply(vectors: Floats) -> Floats:
        centred = vectors - pairs.source_mean
        mapped = centred @ whole.T + np.maximum(centred @ first.T, 0.0) @ second.T
        return _unit(mapped + pairs.target_mean).astype(np.float32)

    return apply


REFERENCES: dict[str, Callable[[Floats, Floats], Apply]] = {
    "low-rank": low_rank,
    "whitened": whitened,
    "reweighted": reweighted,
    "contrastive": contrastive,
    "residual MLP": residual_mlp,
}


class _Adam:
    """Kingma and Ba, "Adam" (2015); moves the given arrays in place."""

    def __init__(self, weights: list[Doubles]) -> None:
        self._weights = weights
        self._mean = [np.zeros_like(each) for each in weights]
        self._power = [np.zeros_like(each) for each in weights]
        self._steps = 0

    def step(self, gradients: list[Doubles]) -> None:
        """Move against the gradients."""
        self._steps += 1
        for at, gradient in enumerate(gradients):
            self._mean[at] += 0.1 * (gradient - self._mean[at])
            self._power[at] += 0.001 * (gradient**2 - self._power[at])
            mean = self._mean[at] / (1.0 - 0.9**self._steps)
            power = self._power[at] / (1.0 - 0.999**self._steps)
            self._weights[at] -= RATE * mean / (np.sqrt(power) + 1e-8)


def _linear(pairs: CentredPairs, weight: Doubles) -> Apply:
    """Centre, map, and add the target's mean in proportion to the spread that is kept."""
    kept = np.linalg.norm(pairs.source @ weight.T) / np.linalg.norm(pairs.target)

    def apply(vectors: Floats) -> Floats:
        mapped = (vectors - pairs.source_mean) @ weight.T + kept * pairs.target_mean
        return _unit(mapped).astype(np.float32)

    return apply


def _powers(rows: Doubles, power: float) -> tuple[Doubles, Doubles]:
    """Return C^(-power/2) and C^(power/2) of centred rows' covariance C, a little regularised."""
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    values = values + 0.01 * values.mean()
    return (
        (vectors * values ** (-power / 2)) @ vectors.T,
        (vectors * values ** (power / 2)) @ vectors.T,
    )


def _unit(rows: Doubles) -> Doubles:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))
