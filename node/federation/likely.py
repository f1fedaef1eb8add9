"""How much a silo will give to a question, from what it gave to questions like it.

Learning from past queries (Cetintas, Si and Yuan, "Learning from past queries for resource
selection", CIKM 2009), in the space of the asker's own model: the mean of what the silo gave
before, weighted by how near those questions lie. The rule of this file: numbers in, numbers out;
nothing of a silo is used but what its answers have shown (docs/adr/0042).
"""

import numpy as np
from numpy.typing import NDArray

LEAST = 20
"""Answers of a silo below which nothing is expected of it, because too little is known."""

SHARPNESS = 2.0
"""By how many e-folds a question counts more that is one standard deviation more like this one."""


def expected_shares(
    questions: NDArray[np.float32], past: NDArray[np.float32], shares: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return what each of s silos is expected to give to n questions, on average: (s,).

    `past` (m, d) are earlier questions, `shares` (m, s) which part of the merged list each silo
    gave to them, NaN where it was not asked or did not answer. The unit of likeness is the standard
    deviation over the silo's own past questions, so that models which crowd everything together are
    treated like others. NaN for a silo with fewer than `LEAST` answers.
    """
    likeness = questions.astype(np.float64) @ past.T.astype(np.float64)
    expected = np.full(shares.shape[1], np.nan)
    for silo, given in enumerate(shares.T):
        known = ~np.isnan(given)
        if known.sum() >= LEAST:
            weights = _weights(likeness[:, known])
            expected[silo] = float((weights @ given[known].astype(np.float64)).mean())
    return expected


def _weights(likeness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (n, m) of past questions by their likeness, each row adding up to 1."""
    apart = likeness - likeness.max(axis=1, keepdims=True)
    spread = np.maximum(likeness.std(axis=1, keepdims=True), np.finfo(np.float32).eps)
    weights = np.exp(SHARPNESS * apart / spread)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
