"""By how much each silo's scores lie too high or too low for one asker, fitted on known items.

A part of `adapters/scale.py`. The asker deals held-out anchors out to the silos
at random, as often as `DEALS`, asks for each by its question, and takes the shifts by which most of
them come first in the merged list. Coordinate ascent over whole steps; the first silo stays.

The rule of this file: only anchors are looked at, and nothing that a partner says.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adapters.errors import WrongDimension
from adapters.map import Floats

STEP = 0.05
"""A shift is a multiple of this: the width of the finest bins, so that bins stay bins."""

MOST = 6
"""Steps in either direction at most."""

DEALS = 4
ROUNDS = 2
LEAST_GAIN = 1e-9
_SEED = 20240229

Ints = NDArray[np.int64]


def fit_shifts(scores: Sequence[Floats]) -> list[float]:
    """Return one shift for each silo, the first 0, to be added to its scores.

    `scores[s]` (n, m) holds the scores that silo s would tell for n questions and m >= n documents;
    document i answers question i.

    Raises:
        WrongDimension: the silos' scores are not of the same questions and documents.
    """
    shapes = {rows.shape for rows in scores}
    if len(shapes) != 1 or any(len(shape) != 2 or shape[0] > shape[1] for shape in shapes):
        raise WrongDimension("shifts need every silo's scores of the same questions and documents")
    n, m = scores[0].shape
    rng = np.random.default_rng(_SEED)
    deals = [_deal(rng, len(scores), m) for _ in range(DEALS)]
    told = [np.choose(deal, np.stack(scores)) for deal in deals] if n else []
    steps = np.zeros(len(scores), dtype=np.int64)
    best = _found(told, deals, steps)
    for _ in range(ROUNDS):
        for silo in range(1, len(scores)):
            for step in sorted(range(-MOST, MOST + 1), key=abs):
                tried = steps.copy()
                tried[silo] = step
                found = _found(told, deals, tried)
                if found > best + LEAST_GAIN:
                    best, steps = found, tried
    return [float(step * STEP) for step in steps]


def _deal(rng: np.random.Generator, silos: int, documents: int) -> Ints:
    return np.asarray(rng.integers(0, silos, documents), dtype=np.int64)


def _found(told: Sequence[Floats], deals: Sequence[Ints], steps: Ints) -> float:
    """MRR of the questions' own documents in the merged lists of all deals."""
    total = 0.0
    for scores, deal in zip(told, deals, strict=False):
        moved = scores + (steps[deal] * STEP).astype(np.float32)
        questions = np.arange(len(moved))
        right = moved[questions, questions]
        total += float(np.mean(1.0 / (moved >= right[:, None]).sum(axis=1)))
    return total
