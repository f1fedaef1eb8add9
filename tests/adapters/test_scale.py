"""Scales: other silos' scores are read so that true answers lie where the asker's own do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import WrongDimension
from adapters.map import Floats
from adapters.scale import AS_TOLD, LEAST, Scale, fit_scales

knots = st.lists(st.integers(-50, 50), min_size=1, max_size=8, unique=True).map(
    lambda steps: [step / 50 for step in sorted(steps)]
)
scores_told = st.floats(-2, 2, width=32)


def scores(seed: int, above: float = 0.0, wide: float = 1.0, n: int = 120) -> Floats:
    """A silo's scores: a question's own document lies 0.4 higher than the others, on average."""
    rng = np.random.default_rng(seed)
    rows = 0.1 * rng.normal(size=(n, 600))
    rows[np.arange(n), np.arange(n)] += 0.4
    return (wide * rows + above).astype(np.float32)


def test_a_silo_whose_scores_are_drawn_together_is_spread_out() -> None:
    own, other = fit_scales([scores(1), scores(2, 0.1, wide=0.5)])
    assert own == AS_TOLD
    for true in (0.3, 0.4, 0.5):
        assert other.of(0.1 + 0.5 * true) == pytest.approx(true, abs=0.08)


def test_with_few_known_items_scores_are_moved_as_a_whole() -> None:
    few = LEAST - 1
    _, other = fit_scales([scores(1, n=few), scores(2, 0.2, n=few)])
    assert len(other.told) == 1
    assert other.of(0.4) == pytest.approx(0.2, abs=0.06)


def test_a_silo_whose_wrong_answers_lie_high_is_moved_down() -> None:
    crowded = scores(2, 0.25)
    np.fill_diagonal(crowded, np.diagonal(crowded) - 0.25)
    _, other = fit_scales([scores(1), crowded])
    assert other.of(0.4) < 0.3


def test_as_many_known_items_as_needed_give_quantiles() -> None:
    _, other = fit_scales([scores(1, n=LEAST), scores(2, n=LEAST)])
    assert len(other.told) > 1


def test_scores_that_are_all_alike_leave_one_knot() -> None:
    same = np.full((120, 600), 0.3, dtype=np.float32)
    _, other = fit_scales([scores(1), same])
    assert len(other.told) == 1


def test_scores_of_other_documents_are_refused() -> None:
    with pytest.raises(WrongDimension):
        fit_scales([scores(1), scores(2)[:, :500]])


@given(knots, st.data(), scores_told, scores_told)
def test_the_order_of_a_silo_is_kept(
    told: list[float], data: st.DataObject, one: float, other: float
) -> None:
    meant = sorted(data.draw(st.lists(st.floats(-1, 1), min_size=len(told), max_size=len(told))))
    scale = Scale(tuple(told), tuple(meant))
    low, high = sorted((one, other))
    assert scale.of(low) <= scale.of(high) + 1e-6
    rows = np.array([[low, high]], dtype=np.float32)
    assert scale.apply(rows)[0] == pytest.approx([scale.of(low), scale.of(high)], abs=1e-4)


@given(scores_told, st.floats(-0.3, 0.3))
def test_what_has_no_knots_is_as_told_and_moves_as_a_whole(score: float, by: float) -> None:
    assert AS_TOLD.of(score) == pytest.approx(score)
    assert AS_TOLD.plus(by).of(score) == pytest.approx(score + by, abs=1e-6)
