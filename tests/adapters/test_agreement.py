import numpy as np
import pytest
from numpy.typing import NDArray

from adapters.agreement import SHIFT, estimated_agreement, fit_agreement
from adapters.errors import NotFinite, TooFewPairs, WrongDimension
from adapters.map import Floats


def answers(seed: int, best: float, n: int = 300) -> tuple[Floats, NDArray[np.float64]]:
    """Score lists around a best score, and overlaps that rise with score and margin."""
    rng = np.random.default_rng(seed)
    tops, margins = best + 0.05 * rng.normal(size=n), rng.uniform(0.05, 0.3, size=n)
    scores = tops[:, None] - margins[:, None] * np.linspace(0.0, 1.0, 10)
    overlaps = np.clip(0.1 + 0.4 * tops + margins + 0.1 * rng.normal(size=n), 0.0, 1.0)
    return scores.astype(np.float32), overlaps


def test_questions_with_lower_scores_are_promised_less_than_the_anchors_agreed() -> None:
    anchor_scores, anchor_overlaps = answers(0, best=0.8)
    model = fit_agreement(anchor_scores, anchor_overlaps)
    scores, overlaps = answers(1, best=0.5)
    told = estimated_agreement(model, scores)
    assert abs(told.value - overlaps.mean()) < 0.03 < anchor_overlaps.mean() - overlaps.mean()
    assert told.low <= overlaps.mean() <= told.high


def test_the_interval_never_hides_what_may_change_between_anchors_and_questions() -> None:
    model = fit_agreement(*answers(0, best=0.5, n=5000))
    told = estimated_agreement(model, answers(1, best=0.5, n=5000)[0])
    assert told.value - told.low >= SHIFT
    assert told.high - told.value >= SHIFT
    assert estimated_agreement(model, np.full((5, 10), -1.0, np.float32)).low >= 0.0


def test_too_little_to_estimate_from_is_refused_by_name() -> None:
    scores, overlaps = answers(0, best=0.5)
    with pytest.raises(TooFewPairs):
        fit_agreement(scores[:49], overlaps[:49])
    with pytest.raises(WrongDimension):
        fit_agreement(scores, overlaps[:-1])
    model = fit_agreement(scores, overlaps)
    with pytest.raises(WrongDimension):
        estimated_agreement(model, scores[:, :9])
    with pytest.raises(NotFinite):
        estimated_agreement(model, np.full((5, 10), np.nan, np.float32))
