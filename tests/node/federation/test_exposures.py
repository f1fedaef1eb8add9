"""Exposures: what a peer was told of each record, exact at every interleaving."""

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.federation.exposures import Exposures
from node.federation.record_limits import (
    RecordLimits,
    answers_limit,
    limits_of,
    records_limit,
    scored_limit,
)
from node.policy.grants import Grant, parse_grants

SCOPE = ("lab.example", "docs", 0)


class Log:
    """The log's counts, kept by these tests as its transaction would."""

    def __init__(self, **told: int) -> None:
        self.told: Counter[int] = Counter({int(key[1:]): n for key, n in told.items()})

    def exposed(self, peer: str, collection: str, epoch: int) -> Mapping[int, int]:
        return dict(self.told) if (peer, collection, epoch) == SCOPE else {}


def granted(more: str = "") -> Grant:
    text = 'peer = "a.example"\ncollection = "c"\npurposes = ["p"]\nlabels = ["l"]\n'
    (grant,) = parse_grants(text + more, "test")
    return grant


def test_where_counts_were_lost_everything_counts_as_told() -> None:
    exposures = Exposures(Log(k1=1).exposed, lambda *scope: scope == SCOPE)
    limits = RecordLimits(scored=5, answers=10)
    assert found(exposures, limits, [1, 2, 3]) == []
    assert exposures.withheld(SCOPE, limits)
    assert exposures.reserve(SCOPE, [2], limits) is None
    assert exposures.reserve(("lab.example", "docs", 1), [2], limits) == [2]


def found(exposures: Exposures, limits: RecordLimits, keys: list[int]) -> list[int]:
    """The keys that a search may find."""
    among = exposures.among(SCOPE, limits)
    only = keys if among.only is None else [k for k in keys if k in among.only]
    return only if among.without is None else [k for k in only if k not in among.without]


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 5), max_size=6, unique=True),
            st.sampled_from(["commit", "give back", "lose"]),
        ),
        max_size=60,
    )
)
def test_no_record_is_told_of_more_often_than_its_limit_and_no_more_records(
    steps: list[tuple[list[int], str]],
) -> None:
    log, limits = Log(), RecordLimits(2, 4, 3)
    exposures = Exposures(log.exposed)
    for keys, end in steps:
        told = exposures.reserve(SCOPE, keys, limits)
        if told is None:
            assert any(k not in found(exposures, limits, keys) for k in keys)
            continue
        assert exposures.may_score(SCOPE, told, limits) == all(log.told[k] < 2 for k in told)
        counts = dict.fromkeys(told, 1)
        if end == "commit":
            log.told.update(told)
            exposures.settle(SCOPE, counts)
        else:
            if end == "lose":  # a failed commit: the counts are read again
                exposures.reload()
            exposures.release(SCOPE, counts)
        assert exposures.records(SCOPE) == len(log.told)
    assert all(n <= 4 for n in log.told.values())
    assert len(log.told) <= 3


def test_a_record_that_is_used_up_is_searched_no_more() -> None:
    limits = RecordLimits(1, 2)
    exposures = Exposures(Log(k7=2, k8=1).exposed)
    assert found(exposures, limits, [7, 8, 9]) == [8, 9]
    assert exposures.reserve(SCOPE, [8], limits) == [8]
    assert found(exposures, limits, [7, 8, 9]) == [9]
    exposures.release(SCOPE, {8: 1})
    assert found(exposures, limits, [7, 8, 9]) == [8, 9]
    assert exposures.withheld(SCOPE, limits)


def test_a_list_is_trimmed_to_the_records_that_are_left_and_then_only_known_ones_are_found() -> (
    None
):
    limits = RecordLimits(9, 9, 3)
    exposures = Exposures(Log(k1=1).exposed)
    assert exposures.reserve(SCOPE, [2, 1, 3, 4], limits) == [2, 1, 3]
    assert found(exposures, limits, [1, 2, 3, 4]) == [1, 2, 3]
    assert exposures.reserve(SCOPE, [4], limits) is None
    assert exposures.reserve(SCOPE, [3, 2], limits) == [3, 2]


def test_lists_in_flight_share_a_records_last_answer() -> None:
    limits = RecordLimits(1, 1)
    exposures = Exposures(Log().exposed)
    assert exposures.reserve(SCOPE, [1, 2], limits) == [1, 2]
    assert exposures.reserve(SCOPE, [2, 3], limits) is None
    exposures.release(SCOPE, {1: 1, 2: 1})
    assert exposures.reserve(SCOPE, [2, 3], limits) == [2, 3]


def test_another_grant_with_other_limits_reads_the_same_counts() -> None:
    exposures = Exposures(Log(k1=3).exposed)
    assert found(exposures, RecordLimits(9, 4), [1]) == [1]
    assert found(exposures, RecordLimits(9, 3), [1]) == []


@pytest.mark.parametrize(
    ("dimension", "granted", "limit"), [(384, None, 48), (384, 10, 10), (384, 1000, 48)]
)
def test_a_grant_may_lower_the_scored_answers_of_a_record_never_raise_them(
    dimension: int, granted: int | None, limit: int
) -> None:
    assert scored_limit(dimension, granted) == limit


@pytest.mark.parametrize(
    ("floor", "granted", "limit"),
    [
        (False, None, 48), (False, 5, 5), (False, 300, 300), (False, 999, 384),
        (True, None, 48), (True, 5, 5), (True, 300, 48),
    ],
)  # fmt: skip
def test_a_record_has_an_eighth_of_its_dimension_in_answers_and_more_only_without_a_floor(
    floor: bool, granted: int | None, limit: int
) -> None:
    assert answers_limit(384, floor, granted) == limit


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ("", None),
        ("records_per_epoch = 30\n", 30),
        ("share_per_epoch = 0.25\n", 50),
        ("records_per_epoch = 30\nshare_per_epoch = 0.25\n", 30),
        ("share_per_epoch = 0.001\n", 0),
    ],
)
def test_the_smaller_of_number_and_share_limits_the_records(fields: str, limit: int | None) -> None:
    assert records_limit(granted(fields), lambda: 200) == limit


def test_a_floor_of_minus_one_is_none() -> None:
    more = "answers_per_record = 80\n"
    assert limits_of(granted(f"floor = -1\n{more}"), 80, lambda: 0) == RecordLimits(10, 80)
    assert limits_of(granted(f"floor = -0.999\n{more}"), 80, lambda: 0) == RecordLimits(10, 10)


def test_what_may_be_searched_stays_one_object_until_a_record_is_used_up() -> None:
    limits = RecordLimits(1, 2)
    exposures = Exposures(Log(k7=2).exposed)
    among = exposures.among(SCOPE, limits)
    assert exposures.reserve(SCOPE, [8, 9], limits) == [8, 9]
    assert exposures.among(SCOPE, limits) is among
    assert exposures.reserve(SCOPE, [9], limits) == [9]
    assert found(exposures, limits, [7, 8, 9]) == [8]
