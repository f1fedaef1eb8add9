"""Two versions make one list: each document once, by the newest version that has it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from node.collections.merging import Placed, by_places, by_scores

keys = st.lists(st.integers(0, 40), unique=True, max_size=12)
covered = st.frozensets(st.integers(0, 40))


def named(rows: list[Placed], old: list[int], new: list[int]) -> list[int]:
    return [(old, new)[row.new][row.at] for row in rows]


@settings(max_examples=40)
@given(keys, keys, covered)
def test_nothing_stands_twice_and_what_is_not_covered_keeps_its_place(
    old: list[int], ranked: list[int], covered: frozenset[int]
) -> None:
    new = [key for key in ranked if key in covered]
    merged = named(by_places(old, new, covered), old, new)
    assert len(set(merged)) == len(merged)
    kept = [key for key in old if key not in covered]
    assert [key for key in merged if key not in covered] == kept
    assert all(merged.index(key) <= old.index(key) for key in kept)
    assert [key for key in merged if key in covered] == new[: len(merged) - len(kept)]


@settings(max_examples=40)
@given(keys, keys)
def test_with_nothing_covered_it_is_the_old_list_and_with_everything_the_new_one(
    old: list[int], new: list[int]
) -> None:
    assert named(by_places(old, [], frozenset()), old, []) == old
    everything = frozenset(old) | frozenset(new)
    size = max(len(old), len(new))
    assert named(by_places(old, new, everything), old, new) == new[:size]
    falling = [-float(at) for at in range(41)]
    merged = by_scores(old, falling[: len(old)], new, falling[: len(new)], everything)
    assert named(merged, old, new) == new


def test_a_document_covered_between_the_searches_stands_where_it_was() -> None:
    old, new = [1, 2, 3], [2, 3, 1]  # 2 was not covered when that was read, and is found now
    assert named(by_places(old, new, {1, 3}), old, new) == [3, 2, 1]
    assert named(by_scores(old, [0.9, 0.8, 0.7], new, [0.6, 0.5, 0.4], {1, 3}), old, new) == [
        2,
        3,
        1,
    ]
