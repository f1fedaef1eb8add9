"""Disclosure: bins, ranks, counts, never a score; and none of a record that has given enough."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.federation.disclose import (
    Disclosure,
    Scored,
    ShownHit,
    bin_of,
    disclose,
    middle_of,
    scored_limit,
)
from node.policy.grants import Granularity

RANKING = [Scored(7, 0.83), Scored(3, 0.61), Scored(9, 0.60), Scored(4, 0.19)]
widths = st.integers(1, 40).map(lambda n: n * 50)


def always(_keys: Sequence[int]) -> bool:
    return True


def never(_keys: Sequence[int]) -> bool:
    return False


def show(granularity: Granularity, floor: int = 200) -> Disclosure:
    return disclose([RANKING], granularity, 50, floor, always)


def test_bins_show_the_bin_and_the_order() -> None:
    shown = show("bins")
    assert shown.lists == ((ShownHit(7, 16), ShownHit(3, 12), ShownHit(9, 12)),)
    assert shown.exposures == {7: 1, 3: 1, 9: 1}


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("ranks", (ShownHit(7, None), ShownHit(3, None), ShownHit(9, None))),
        ("count", 3),
        ("boolean", True),
    ],
)
def test_coarser_answers_show_no_score_and_cost_no_exposure(
    granularity: Granularity, expected: object
) -> None:
    shown = show(granularity)
    assert shown.lists == (expected,)
    assert shown.exposures == {}


def test_nothing_below_the_floor_is_shown_or_counted() -> None:
    assert show("count", floor=610).lists == (2,)
    assert show("boolean", floor=900).lists == (False,)
    assert show("bins", floor=900).lists == ((),)


def test_a_record_without_scored_answers_left_makes_the_list_ranks_only() -> None:
    shown = disclose([RANKING], "bins", 50, 200, never)
    assert shown.lists == ((ShownHit(7, None), ShownHit(3, None), ShownHit(9, None)),)
    assert shown.exposures == {}


def test_a_batch_counts_a_record_once_per_list_that_scores_it() -> None:
    shown = disclose([RANKING, RANKING], "bins", 50, 200, always)
    assert shown.exposures == {7: 2, 3: 2, 9: 2}


@given(st.floats(-1, 1), widths)
def test_a_score_lies_in_its_bin(score: float, width: int) -> None:
    number = bin_of(score, width)
    low, high = number * width / 1000, (number + 1) * width / 1000
    assert low - 1e-9 <= score <= high + 1e-9
    assert low < middle_of(number, width) / 1000 < high


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20), widths)
def test_bins_keep_the_order_of_scores(scores: list[float], width: int) -> None:
    ordered = sorted(scores)
    numbers = [bin_of(s, width) for s in ordered]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(("score", "number"), [(1.0000001, 19), (1.0, 19), (-1.0000001, -20)])
def test_rounding_errors_stay_in_the_outermost_bins(score: float, number: int) -> None:
    assert bin_of(score, 50) == number


@pytest.mark.parametrize(
    ("dimension", "granted", "limit"), [(384, None, 48), (384, 10, 10), (384, 1000, 48)]
)
def test_a_grant_may_lower_the_scored_answers_of_a_record_never_raise_them(
    dimension: int, granted: int | None, limit: int
) -> None:
    assert scored_limit(dimension, granted) == limit
