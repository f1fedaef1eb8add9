"""Whether one answer's best score is low for its route: a sign that the answer may be poor.

The rule of this file: the best score is looked at beside the best scores of held-out anchor
questions over the same route, in standard deviations. How far a question lies from the anchors
says nothing of how well it is answered; its standardised best score says something (rank
correlation 0.4 to 0.5), which is enough for a flag and not for a promise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adapters.errors import NotFinite, TooFewPairs, WrongDimension
from adapters.map import Floats

FLAGGED_SHARE = 0.05
"""Share of held-out anchor questions that the flag would be raised for."""

LEAST_QUESTIONS = 20
"""Fewer held-out questions than this say nothing of what is usual."""

NOTHING_FOUND = -99.0
"""The standardised score where nothing was found; a number, so that JSON can carry it."""

_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class TopScores:
    """What is usual on a route: best scores of held-out anchor questions.

    Attributes:
        mean: their mean.
        spread: their standard deviation.
        threshold: the standardised score below which an answer is flagged.
        questions: how many questions it rests on.
    """

    mean: float
    spread: float
    threshold: float
    questions: int


@dataclass(frozen=True)
class Confidence:
    """Whether one answer is flagged, and its standardised best score."""

    low: bool
    z: float


def calibrate_top_scores(scores: Floats) -> TopScores:
    """Return what is usual, from the (n, k) scores of n held-out anchor questions.

    Raises:
        WrongDimension: not (n, k) with at least one score each.
        TooFewPairs: fewer than `LEAST_QUESTIONS` questions.
        NotFinite: a score is NaN or infinite.
    """
    if scores.ndim != 2 or not scores.shape[1]:
        raise WrongDimension("calibration needs (n, k) scores, at least one for each question")
    if len(scores) < LEAST_QUESTIONS:
        raise TooFewPairs(
            f"{len(scores)} held-out questions; at least {LEAST_QUESTIONS} are needed"
        )
    best = scores.max(axis=1).astype(np.float64)
    if not np.isfinite(best).all():
        raise NotFinite("a held-out question's best score is NaN or infinite")
    mean, spread = float(best.mean()), max(float(best.std()), _LEAST_SPREAD)
    threshold = float(np.quantile((best - mean) / spread, FLAGGED_SHARE))
    return TopScores(mean, spread, threshold, len(best))


def low_confidence(scores: Sequence[float], known: TopScores) -> Confidence:
    """Judge the scores of one question, in any order; an answer without any is always flagged."""
    if not len(scores):
        return Confidence(True, NOTHING_FOUND)
    z = (max(scores) - known.mean) / known.spread
    return Confidence(bool(z < known.threshold), float(max(z, NOTHING_FOUND)))
