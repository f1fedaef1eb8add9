import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.confidence import NOTHING_FOUND, calibrate_top_scores, low_confidence
from adapters.errors import NotFinite, TooFewPairs, WrongDimension
from adapters.map import Floats


def usual(questions: int = 400) -> Floats:
    """Score lists, best first, whose best scores lie around 0.7."""
    rng = np.random.default_rng(1)
    best = 0.7 + 0.05 * rng.normal(size=(questions, 1))
    return np.asarray(best - 0.02 * np.arange(10), dtype=np.float32)


def test_about_one_in_twenty_usual_questions_is_flagged() -> None:
    known = calibrate_top_scores(usual())
    flagged = [low_confidence(list(row), known).low for row in usual()]
    assert 0.03 < np.mean(flagged) < 0.07
    assert known.mean == pytest.approx(0.7, abs=0.01)


def test_a_poor_best_score_is_flagged_and_a_good_one_is_not() -> None:
    known = calibrate_top_scores(usual())
    poor, good = low_confidence([0.4, 0.35], known), low_confidence([0.35, 0.8], known)
    assert poor.low
    assert not good.low
    assert poor.z < known.threshold < good.z


def test_an_empty_answer_is_flagged() -> None:
    assert low_confidence([], calibrate_top_scores(usual())).low
    assert low_confidence([], calibrate_top_scores(usual())).z == NOTHING_FOUND


@given(st.lists(st.floats(-1.0, 1.0), max_size=20))
def test_a_higher_best_score_never_lowers_confidence(scores: list[float]) -> None:
    known = calibrate_top_scores(usual())
    assert low_confidence([*scores, 1.0], known).z >= low_confidence(scores, known).z


def test_equal_scores_calibrate_without_dividing_by_zero() -> None:
    known = calibrate_top_scores(np.full((30, 3), 0.5, np.float32))
    assert not low_confidence([0.5], known).low
    assert low_confidence([0.4], known).low


def test_too_little_to_calibrate_by_is_refused_by_name() -> None:
    with pytest.raises(TooFewPairs):
        calibrate_top_scores(usual(19))
    with pytest.raises(WrongDimension):
        calibrate_top_scores(np.ones((30, 0), np.float32))
    with pytest.raises(NotFinite):
        calibrate_top_scores(np.full((30, 2), np.nan, np.float32))
