"""Shifts: what lies too high or too low at one silo for everybody is moved back, in whole bins."""

import numpy as np
import pytest

from adapters.errors import WrongDimension
from adapters.map import Floats
from adapters.shifts import MOST, STEP, fit_shifts


def scores(seed: int, above: float = 0.0, n: int = 120, m: int = 600) -> Floats:
    """A silo's scores: a question's own document lies 0.4 higher than the others, on average."""
    rng = np.random.default_rng(seed)
    rows = 0.1 * rng.normal(size=(n, m))
    rows[np.arange(n), np.arange(n)] += 0.4
    return (rows + above).astype(np.float32)


def test_silos_that_score_alike_are_left_where_they_are() -> None:
    assert fit_shifts([scores(1)]) == [0.0]
    assert max(map(abs, fit_shifts([scores(1), scores(2), scores(3)]))) <= STEP


def test_a_silo_that_scores_higher_is_moved_down_by_as_much() -> None:
    found = fit_shifts([scores(1), scores(2, 0.2), scores(3, -0.15)])
    assert found[0] == 0.0
    assert found[1:] == pytest.approx([-0.2, 0.15], abs=STEP + 1e-9)


def test_a_shift_is_a_whole_number_of_bins_within_bounds() -> None:
    for shift in fit_shifts([scores(1), scores(2, 5.0)]):
        assert shift == pytest.approx(round(shift / STEP) * STEP)
        assert abs(shift) <= MOST * STEP + 1e-9


def test_without_questions_nothing_is_moved() -> None:
    none = np.empty((0, 5), dtype=np.float32)
    assert fit_shifts([none, none]) == [0.0, 0.0]


def test_scores_of_other_documents_are_refused() -> None:
    with pytest.raises(WrongDimension):
        fit_shifts([scores(1), scores(2, m=500)])
    with pytest.raises(WrongDimension):
        fit_shifts([scores(1, n=10, m=20)[:, :5]])
