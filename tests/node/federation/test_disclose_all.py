"""The lists of a batch are disclosed together as they would be one after the other."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from node.federation.budgets import QueryBudgets
from node.federation.disclose import (
    Ranking,
    SearchAgain,
    ShownList,
    Terms,
    disclose,
    disclose_all,
)
from node.federation.exposures import Exposures
from node.federation.probing import Probes
from node.federation.record_limits import RecordLimits
from node.federation.replay import InFlight
from node.federation.reservation import Reservation, ReservedRecords
from node.policy.grants import Grant, Granularity, parse_grants

AT = 1_700_000_000
GRANULARITIES: tuple[Granularity, ...] = ("boolean", "count", "ranks", "bins")


def grant() -> Grant:
    text = 'peer = "a.example"\ncollection = "c"\npurposes = ["p"]\nlabels = ["l"]\n'
    (granted,) = parse_grants(text, "test")
    return granted


def asked(told: dict[int, int], limits: RecordLimits, lost: bool) -> ReservedRecords:
    """A question's records, of which so much was told before."""
    exposures = Exposures(lambda *_: told, lambda *_: lost)
    budgets, probes = QueryBudgets(lambda *_: 0), Probes(lambda *_: ())
    reservation = Reservation("a.example", AT, budgets, exposures, probes, InFlight())
    assert reservation.reserve_queries(grant(), 1)
    return reservation.records(limits)


def one_by_one(
    lists: list[Ranking], terms: Terms, records: ReservedRecords
) -> dict[int, ShownList]:
    shown: dict[int, ShownList] = {}
    for at, ranking in enumerate(lists):
        with suppress(SearchAgain):
            shown[at] = disclose(ranking, terms, records)
    return shown


@given(
    st.lists(st.lists(st.integers(0, 11), unique=True, max_size=4), max_size=8),
    st.dictionaries(st.integers(0, 11), st.integers(1, 4), max_size=12),
    st.builds(RecordLimits, st.integers(0, 4), st.integers(1, 5), st.none() | st.integers(0, 9)),
    st.builds(
        Terms, st.sampled_from(GRANULARITIES), st.just(50), st.none() | st.integers(0, 900),
        st.integers(1, 3), st.booleans(),
    ),
    st.sampled_from([False, False, True]),
)  # fmt: skip
def test_the_order_of_lists_decides_as_though_each_was_disclosed_before_the_next(
    keys: list[list[int]], told: dict[int, int], limits: RecordLimits, terms: Terms, lost: bool
) -> None:
    scores = [0.9, 0.6, 0.3, -0.2]
    lists = [Ranking(each, scores[: len(each)], scores[: len(each)]) for each in keys]
    together, apart = (asked(told, limits, lost) for _ in range(2))
    # what is used up is told by the search that comes before
    for records in (together, apart):
        _ = records.among
    assert disclose_all(lists, terms, together) == one_by_one(lists, terms, apart)
    assert together.reservation.told == apart.reservation.told
    exposures, scope = together.reservation.exposures, together.reservation.scope
    assert exposures.records(scope) == apart.reservation.exposures.records(scope)
    assert together.withheld == apart.withheld
    together.reservation.give_back_work()
    if not lost:
        assert exposures.records(scope) == len(told)
