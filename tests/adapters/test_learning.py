import numpy as np
import pytest

from adapters.errors import TooFewPairs
from adapters.learning import Rows, learning_curve
from adapters.map import Chain
from adapters.quality import known_item_values
from adapters.ridge import fit_ridge
from tests.adapters.worlds import SOURCE, TARGET, World, two_models

WORLD = two_models(n=2600, d_in=48, d_out=48, noise=0.35)
ROWS, HELD_OUT = np.arange(1000), WORLD.part(slice(2000, 2600))


def fit_on(world: World, rows: Rows) -> Chain:
    pairs = world.source_documents[rows], world.target_documents[rows]
    return (fit_ridge(*pairs, SOURCE, TARGET),)


def test_more_anchors_find_more_and_each_point_says_how_many_they_were() -> None:
    curve = learning_curve(lambda rows: fit_on(WORLD, rows), ROWS, HELD_OUT, least=60)
    assert [point.anchors for point in curve.points] == [62, 125, 250, 500, 1000]
    mrr = [point.mrr.value for point in curve.points]
    assert mrr == sorted(mrr)


def test_what_twice_as_many_would_bring_is_told_before_they_are_there() -> None:
    curve = learning_curve(lambda rows: fit_on(WORLD, rows), ROWS, HELD_OUT, least=60)
    twice = known_item_values(fit_on(WORLD, np.arange(2000)), HELD_OUT).mean()
    gained = twice - curve.points[-1].mrr.value
    assert abs(gained - curve.doubled.value) < 0.02
    assert curve.doubled.low <= curve.doubled.value <= curve.doubled.high


def test_where_nothing_is_left_to_gain_nothing_is_promised() -> None:
    easy = two_models(n=1200, noise=0.01)
    curve = learning_curve(lambda rows: fit_on(easy, rows), ROWS, easy.part(slice(1000, 1200)))
    assert abs(curve.doubled.value) < 0.01


def test_too_few_for_two_points_are_refused() -> None:
    with pytest.raises(TooFewPairs):
        learning_curve(lambda rows: fit_on(WORLD, rows), ROWS[:499], HELD_OUT)
