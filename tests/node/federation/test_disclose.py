"""Disclosure: bins, ranks, counts, never a score; and each record that is told of is counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.federation.disclose import (
    Ranking,
    SearchAgain,
    ShownList,
    ShownRecords,
    Terms,
    bin_of,
    disclose,
    middle_of,
)
from node.policy.grants import Granularity

RANKING = Ranking((7, 3, 9, 4), (0.83, 0.61, 0.60, 0.19), (0.83, 0.61, 0.60, 0.19))
widths = st.integers(1, 40).map(lambda n: n * 50)


@dataclass
class Asked:
    """Records of which any number of answers is left, and which were reserved."""

    scores: bool = True
    allowed: frozenset[int] | None = None
    reserved: list[int] = field(default_factory=list)

    def reserve(self, keys: Sequence[int]) -> Sequence[int] | None:
        told = [key for key in keys if self.allowed is None or key in self.allowed]
        self.reserved += told
        return told

    def may_score(self, keys: Sequence[int]) -> bool:
        assert set(keys) <= set(self.reserved)
        return self.scores


class UsedUp(Asked):
    def reserve(self, keys: Sequence[int]) -> Sequence[int] | None:
        assert keys
        return None


def show(
    granularity: Granularity, floor: int | None = 200, smallest: int = 1, asked: Asked | None = None
) -> ShownList:
    terms = Terms(granularity, 50, floor, smallest)
    return disclose(RANKING, terms, asked or Asked())


def test_bins_show_the_bin_and_the_order() -> None:
    assert show("bins") == ShownRecords((7, 3, 9), (16, 12, 12))


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("ranks", ShownRecords((7, 3, 9))),
        ("count", 3),
        ("boolean", True),
    ],
)
def test_coarser_answers_show_no_score(granularity: Granularity, expected: object) -> None:
    assert show(granularity) == expected


@pytest.mark.parametrize("granularity", ["bins", "ranks", "count", "boolean"])
def test_with_a_floor_every_candidate_is_counted_also_the_one_below_it(
    granularity: Granularity,
) -> None:
    asked = Asked()
    show(granularity, asked=asked)
    assert asked.reserved == [7, 3, 9, 4]


@pytest.mark.parametrize(("granularity", "reserved"), [("ranks", [7, 3, 9, 4]), ("count", [])])
def test_without_a_floor_a_number_tells_nothing_of_any_record(
    granularity: Granularity, reserved: list[int]
) -> None:
    asked = Asked()
    shown = show(granularity, None, asked=asked)
    assert (shown if granularity == "count" else len(shown or ())) == 4  # type: ignore[arg-type]  # a list here
    assert asked.reserved == reserved


@pytest.mark.parametrize("granularity", ["count", "boolean"])
def test_with_a_filter_a_number_tells_of_each_record_found(granularity: Granularity) -> None:
    asked = Asked()
    assert disclose(RANKING, Terms(granularity, 50, None, filtered=True), asked)
    assert asked.reserved == [7, 3, 9, 4]


def test_nothing_below_the_floor_is_shown_or_counted() -> None:
    assert show("count", floor=610) == 2
    assert show("boolean", floor=900) is False
    assert show("bins", floor=900) == ShownRecords((), ())


def test_a_record_without_scored_answers_left_makes_the_list_ranks_only() -> None:
    shown = show("bins", asked=Asked(scores=False))
    assert shown == ShownRecords((7, 3, 9))


def test_records_beyond_the_exposure_budget_are_left_out() -> None:
    two = frozenset({7, 9})
    assert show("bins", asked=Asked(allowed=two)) == ShownRecords((7, 9), (16, 12))
    assert show("count", asked=Asked(allowed=two)) == 2


@pytest.mark.parametrize("granularity", ["bins", "ranks", "count", "boolean"])
def test_a_record_that_is_used_up_is_not_decided_but_searched_without(
    granularity: Granularity,
) -> None:
    with pytest.raises(SearchAgain):
        show(granularity, asked=UsedUp())


@pytest.mark.parametrize(("smallest", "count", "some"), [(3, 3, True), (4, None, False)])
def test_a_small_number_is_told_without_its_figure(
    smallest: int, count: int | None, some: bool
) -> None:
    assert show("count", smallest=smallest) == count
    assert show("boolean", smallest=smallest) is some


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
