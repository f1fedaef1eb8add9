"""Who is left out: the least likely of the known silos, and never one that is not known."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.federation.choice import EVERYBODY, Choice, Expected, Silo, choose

SILOS = {("a.example", "one"): 0.5, ("a.example", "two"): 0.1, ("b.example", "one"): 0.3}
EXPECTED = {silo: Expected(share, 20) for silo, share in SILOS.items()}
PARTNERS = ("a.example", "b.example")

names = st.tuples(
    st.sampled_from(["a.example", "b.example", "c.example"]), st.sampled_from(["x", "y", "z"])
)
expectations = st.dictionaries(
    names, st.builds(Expected, st.floats(0, 1), st.integers(20, 99)), max_size=12
)


def drawing(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 -- a seeded draw is what these tests need


def chosen(most: int, explore: float = 0.0) -> Choice:
    return choose(EXPECTED, PARTNERS, most, explore, drawing(1))


def test_the_least_likely_are_left_out() -> None:
    choice = chosen(2)
    assert choice.left == {("a.example", "two")}
    assert choice.left_share == pytest.approx(1 / 9)
    assert choice.left_of("a.example") == ["two"]


def test_equally_likely_silos_are_drawn_and_never_taken_by_name() -> None:
    alike = dict.fromkeys(EXPECTED, Expected(0.4, 20))
    left = [choose(alike, PARTNERS, 1, 0.0, drawing(seed)).left for seed in range(40)]
    assert {silo for each in left for silo in set(alike) - each} == set(alike)


def test_whoever_is_left_out_is_explored_now_and_then() -> None:
    explored = {choose(EXPECTED, PARTNERS, 1, 1.0, drawing(seed)).explored for seed in range(40)}
    assert explored == {("a.example", "two"), ("b.example", "one")}


def test_a_partner_all_of_whose_silos_are_left_out_is_not_contacted() -> None:
    choice = chosen(1)
    assert choice.leaves_out("b.example")
    assert not choice.leaves_out("a.example")
    assert not choice.leaves_out("never-asked.example")


def test_exploring_asks_one_of_those_left_out() -> None:
    choice = chosen(1, explore=1.0)
    assert choice.explored is not None
    assert choice.explored not in choice.left
    assert len(choice.left) == 1


def test_where_nobody_is_left_out_no_share_is() -> None:
    assert chosen(3).left_share is None
    assert EVERYBODY.left_share is None
    nothing = dict.fromkeys(EXPECTED, Expected(0.0, 20))
    assert choose(nothing, PARTNERS, 1, 0.0, drawing(1)).left_share == 0.0, (
        "left, and worth nothing"
    )
    assert not EVERYBODY.leaves_out("a.example")


@given(expectations, st.integers(1, 5), st.floats(0, 1), st.integers(0, 99))
def test_no_more_than_wanted_are_asked_and_one_to_explore(
    expected: dict[Silo, Expected], most: int, explore: float, seed: int
) -> None:
    choice = choose(expected, PARTNERS, most, explore, drawing(seed))
    asked = {silo for silo in choice.expected if silo not in choice.left}
    assert {organisation for organisation, _ in choice.expected} <= set(PARTNERS)
    assert len(asked - {choice.explored}) == min(most, len(choice.expected))
    least = min((expected[silo].share for silo in asked - {choice.explored}), default=1.0)
    assert all(expected[silo].share <= least for silo in choice.left)
