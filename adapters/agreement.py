"""How far a route will agree with the responder's own model on questions that are no anchors.

Agreement (overlap@10) on anchors says little of agreement elsewhere: over six ordered pairs of real
models it was off by 0.14 on average on questions of another domain. How scores fall within one
answer can be seen without the other model, and goes with agreement. So the rule of this file:
agreement is regressed on scores over held-out anchors, and read off at the scores that real
questions get. That halves the error (0.07 on average, 0.16 at most), which the interval includes;
it stays an estimate, and is called one. Where partners exchange sample questions, measure instead.
"""

from dataclasses import dataclass

import numpy as np

from adapters.errors import NotFinite, TooFewPairs, WrongDimension
from adapters.map import Floats
from adapters.metrics import Estimate, Values, estimate
from adapters.pairs import Doubles

DEPTH = 10
"""How many scores of each answer are looked at."""

LEAST_QUESTIONS = 50

SHIFT = 0.17
"""Half the width of the interval for what changes between anchors and real questions."""


@dataclass(frozen=True)
class AgreementModel:
    """overlap@10 = constant + best * s1 + margin * (s1 - s10), for scores s1 to s10 of an answer.

    `questions` is how many held-out anchors it was fitted on.
    """

    constant: float
    best: float
    margin: float
    questions: int


def fit_agreement(scores: Floats, overlaps: Values) -> AgreementModel:
    """Fit on n held-out anchor questions.

    Args:
        scores: (n, k) exact scores over the route, best first, k of at least `DEPTH`.
        overlaps: (n,) overlap@10 of the same answers with the responder's own.

    Raises:
        WrongDimension, TooFewPairs, NotFinite: there is too little to fit on.
    """
    if overlaps.shape != scores.shape[:1]:
        raise WrongDimension("agreement is fitted on one overlap for each list of scores")
    if len(scores) < LEAST_QUESTIONS:
        raise TooFewPairs(
            f"{len(scores)} held-out questions; at least {LEAST_QUESTIONS} are needed"
        )
    fitted, *_ = np.linalg.lstsq(_told(scores), overlaps, rcond=None)
    constant, best, margin = (float(each) for each in fitted)
    return AgreementModel(constant, best, margin, len(scores))


def estimated_agreement(model: AgreementModel, scores: Floats) -> Estimate:
    """Estimate the mean overlap@10 of questions with these (m, k) exact scores, best first.

    The 95% interval is over questions, widened by `SHIFT`.

    Raises:
        WrongDimension, NotFinite: these are not scores of at least one question.
    """
    per_question = _told(scores) @ [model.constant, model.best, model.margin]
    found = estimate(np.clip(per_question, 0.0, 1.0))
    return Estimate(
        found.value,
        max(0.0, found.value - float(np.hypot(found.value - found.low, SHIFT))),
        min(1.0, found.value + float(np.hypot(found.high - found.value, SHIFT))),
    )


def _told(scores: Floats) -> Doubles:
    """Return (n, 3): one, the best score, and how far the tenth lies below it."""
    if scores.ndim != 2 or scores.shape[1] < DEPTH:
        raise WrongDimension(f"agreement is estimated from {DEPTH} scores of each question or more")
    if not np.isfinite(scores).all():
        raise NotFinite("a score is NaN or infinite")
    best = scores[:, 0].astype(np.float64)
    return np.stack([np.ones(len(best)), best, best - scores[:, DEPTH - 1]], axis=1)
