"""Merging: comparable bins in order, no silo favoured by its place, no liar owning the list."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from adapters.scale import Scale
from node.federation.merge import MergedHit, SiloHit, SiloRanking, merge

SPACE = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def silo(
    name: str, middles: list[float | None], *, space: str | None = SPACE, own: bool = False
) -> SiloRanking:
    hits = tuple(SiloHit(f"{name}-{i}", middle) for i, middle in enumerate(middles))
    return SiloRanking(name, "docs", own, space, hits)


def references(merged: list[MergedHit]) -> list[str]:
    return [m.hit.reference for m in merged]


bins = st.lists(st.integers(-20, 19).map(lambda b: (b + 0.5) * 50), min_size=0, max_size=15).map(
    lambda b: sorted(b, reverse=True)
)
rankings = st.builds(
    lambda middles, space, ranks_only: (middles, space, ranks_only),
    bins,
    st.sampled_from([SPACE, OTHER]),
    st.booleans(),
)


def test_higher_bins_come_first_whichever_silo_they_are_from() -> None:
    merged = merge([silo("a", [475, 325]), silo("b", [425, 375])], 10, b"seed")
    assert references(merged) == ["a-0", "b-0", "b-1", "a-1"]


def test_within_a_bin_the_rank_decides() -> None:
    merged = merge([silo("a", [475, 475, 475]), silo("b", [475, 475])], 10, b"seed")
    assert [m.rank for m in merged] == [1, 1, 2, 2, 3]


def test_a_coarser_bin_is_placed_by_its_middle() -> None:
    # 0.40..0.50 lies between 0.45..0.50 and 0.40..0.45
    merged = merge([silo("fine", [475, 425]), silo("coarse", [450])], 10, b"seed")
    assert references(merged) == ["fine-0", "coarse-0", "fine-1"]


def test_a_liar_who_claims_the_top_bin_for_all_its_hits_gets_its_share_and_no_more() -> None:
    liar = silo("liar", [975.0] * 100)
    honest = silo("honest", [425.0 - 50 * i for i in range(10)])
    merged = merge([liar, honest], 20, b"seed")
    for end in range(1, 20):
        held = sum(m.silo == 0 for m in merged[:end])
        if sum(m.silo == 1 for m in merged[:end]) < 10:
            assert held <= end // 2 + 1
    assert {m.silo for m in merged[:3]} == {0, 1}


def test_a_liar_with_many_collections_gets_no_more_than_with_one() -> None:
    lies = [
        SiloRanking("liar", f"c{n}", False, SPACE, (SiloHit(f"lie-{n}", 975.0),)) for n in range(20)
    ]
    honest = silo("honest", [425.0 - 50 * i for i in range(10)])
    merged = merge([*lies, honest], 10, b"seed")
    assert sum(m.silo < 20 for m in merged) == 6


def of_all_kinds(organisation: str, count: int) -> list[SiloRanking]:
    """One organisation that answers with scores in two spaces, and with ranks."""
    scored = (tuple(SiloHit(f"{organisation}-{n}", 975.0) for n in range(count)),) * 2
    ranked = tuple(SiloHit(f"{organisation}-{n}", None) for n in range(count))
    return [
        SiloRanking(organisation, "one", False, SPACE, scored[0]),
        SiloRanking(organisation, "other", False, OTHER, scored[1]),
        SiloRanking(organisation, "ranks", False, None, ranked),
    ]


@given(st.integers(1, 40), st.integers(1, 30), st.booleans(), st.binary(min_size=1, max_size=8))
def test_a_liar_that_answers_in_several_ways_gets_one_share_of_the_whole_list(
    limit: int, honest_hits: int, ranks: bool, seed: bytes
) -> None:
    honest = silo("honest", [None if ranks else 425.0 - n for n in range(honest_hits)])
    merged = merge([*of_all_kinds("liar", 30), honest], limit, seed)
    assert len(merged) == min(limit, 90 + honest_hits)
    for end in range(1, len(merged) + 1):
        shown = sum(m.silo == 3 for m in merged[:end])
        if shown < honest_hits:
            assert end - shown <= end // 2 + 1


def test_the_cap_of_the_whole_list_counts_no_own_collections() -> None:
    own = SiloRanking("me", "docs", True, SPACE, tuple(SiloHit(f"{n}", 975.0) for n in range(8)))
    more = SiloRanking("me", "more", True, None, tuple(SiloHit(f"r{n}", None) for n in range(8)))
    merged = merge([own, more, silo("b", [None], space=None)], 8, b"seed")
    assert sum(m.silo < 2 for m in merged) == 7


def test_many_rank_only_collections_of_one_organisation_count_as_one_silo() -> None:
    many = [
        SiloRanking("many", f"c{n}", False, None, (SiloHit(f"m-{n}", None),)) for n in range(20)
    ]
    merged = merge([*many, silo("few", [None] * 5)], 10, b"seed")
    assert sum(m.silo == 20 for m in merged) == 5


def test_the_own_silo_is_not_capped() -> None:
    merged = merge([silo("me", [975.0] * 8, own=True), silo("b", [425.0])], 8, b"seed")
    assert [m.silo for m in merged] == [0] * 8


def test_silos_of_other_spaces_and_rank_only_answers_are_fused_by_rank() -> None:
    merged = merge(
        [
            silo("a", [475, 425]),
            silo("other-space", [975, 925], space=OTHER),
            silo("ranks", [None, None]),
        ],
        10,
        b"seed",
    )
    assert sorted(references(merged)[:3]) == ["a-0", "other-space-0", "ranks-0"]
    assert sorted(references(merged)[3:]) == ["a-1", "other-space-1", "ranks-1"]


def test_two_silos_ordered_together_lose_nothing_to_a_third_by_itself() -> None:
    merged = merge(
        [silo("a", [475, 425]), silo("b", [465, 415]), silo("c", [None, None])], 6, b"seed"
    )
    assert {m.silo for m in merged[:3]} == {0, 1, 2}
    assert {m.silo for m in merged[3:]} == {0, 1, 2}


@given(st.lists(rankings, max_size=5), st.integers(1, 40), st.randoms(use_true_random=False))
def test_the_order_of_the_silos_never_matters(
    given_silos: list[tuple[list[float], str, bool]], limit: int, shuffler: random.Random
) -> None:
    silos = [
        silo(f"s{i}", [None if ranks else m for m in middles], space=space)
        for i, (middles, space, ranks) in enumerate(given_silos)
    ]
    shuffled = silos[:]
    shuffler.shuffle(shuffled)
    assert references(merge(silos, limit, b"x")) == references(merge(shuffled, limit, b"x"))


@given(st.lists(rankings, max_size=5))
def test_nothing_is_lost_or_doubled_and_each_silo_keeps_its_order(
    given_silos: list[tuple[list[float], str, bool]],
) -> None:
    silos = [
        silo(f"s{i}", [None if ranks else m for m in middles], space=space)
        for i, (middles, space, ranks) in enumerate(given_silos)
    ]
    merged = merge(silos, 1000, b"x")
    for number, one in enumerate(silos):
        ranks = [m.rank for m in merged if m.silo == number]
        assert ranks == list(range(1, len(one.hits) + 1))


def test_ties_fall_differently_for_another_seed() -> None:
    silos = [silo(f"s{i}", [475.0]) for i in range(6)]
    orders = {tuple(references(merge(silos, 6, bytes([seed])))) for seed in range(20)}
    assert len(orders) > 10


def test_a_hit_that_stands_below_a_lower_bin_is_marked() -> None:
    merged = merge([silo("eager", [975, 925, 875]), silo("other", [475, 425])], 5, b"seed")
    assert references(merged) == ["eager-0", "eager-1", "other-0", "eager-2", "other-1"]
    assert [m.held_back for m in merged] == [False, False, False, True, False]
    even = merge([silo("a", [475, 475, 475]), silo("b", [475, 475])], 10, b"seed")
    assert not any(m.held_back for m in even)


def holding(name: str, *hits: tuple[float | None, str | None], own: bool = False) -> SiloRanking:
    """A silo with bins and commitments to contents."""
    found = tuple(SiloHit(f"{name}-{i}", middle, of) for i, (middle, of) in enumerate(hits))
    return SiloRanking(name, "docs", own, SPACE, found)


def test_a_document_that_several_silos_hold_stands_once_at_its_best_place() -> None:
    silos = [
        holding("a", (475, "x"), (375, "y")),
        holding("b", (425, "x"), (325, None)),
        holding("c", (450, "y"), (275, "x")),
    ]
    merged = merge(silos, 10, b"seed")
    assert references(merged) == ["a-0", "c-0", "b-1"]
    assert [sorted(each.hit.reference for each in m.copies) for m in merged] == [
        ["b-0", "c-1"],
        ["a-1"],
        [],
    ]


def test_copies_are_named_when_the_list_is_full() -> None:
    silos = [holding("a", (475, "x"), (425, None)), holding("b", (75, "x"))]
    (first,) = merge(silos, 1, b"seed")
    assert [each.hit.reference for each in first.copies] == ["b-0"]


def test_two_records_of_one_silo_with_one_text_stay_two() -> None:
    merged = merge([holding("a", (475, "x"), (425, "x")), holding("b", (450, None))], 10, b"seed")
    assert references(merged) == ["a-0", "b-0", "a-1"]
    assert not any(m.copies for m in merged)


def test_copies_are_found_between_silos_whose_scores_do_not_compare() -> None:
    ranked = SiloRanking("b", "docs", False, None, (SiloHit("b-0", None, "x"),))
    merged = merge([holding("a", (475, "x"), (425, None)), ranked], 10, b"seed")
    assert len(merged) == 2
    assert sorted(len(m.copies) for m in merged) == [0, 1]


def test_copies_of_a_copy_are_named_too() -> None:
    """Two silos whose scores compare hold it, and a third that tells ranks shows it first."""
    silos = [
        holding("a", (475, None), (375, "x")),
        holding("b", (450, None), (325, "x")),
        SiloRanking("c", "docs", False, None, (SiloHit("c-0", None, "x"),)),
    ]
    (shown,) = [m for m in merge(silos, 10, b"seed") if m.copies]
    assert shown.hit.reference == "c-0"
    assert sorted(each.hit.reference for each in shown.copies) == ["a-1", "b-1"]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(-20, 19), st.sampled_from("wxyz")), max_size=6),
        max_size=4,
    )
)
def test_every_hit_is_shown_or_named_as_a_copy(lists: list[list[tuple[int, str]]]) -> None:
    silos = [
        holding(f"s{n}", *sorted((((b + 0.5) * 50, c) for b, c in hits), reverse=True))
        for n, hits in enumerate(lists)
    ]
    merged = merge(silos, 100, b"seed")
    told = [each.hit.reference for m in merged for each in (m, *m.copies)]
    assert sorted(told) == sorted(hit.reference for silo in silos for hit in silo.hits)
    for m in merged:
        assert all(each.hit.commitment == m.hit.commitment for each in m.copies)
        assert m.silo not in {each.silo for each in m.copies}


def test_a_silo_is_placed_by_what_its_scores_are_taken_for_and_shows_its_own() -> None:
    meant = Scale((0.0, 0.5), (-0.2, 0.4))
    lower = SiloRanking("a", "docs", False, SPACE, (SiloHit("a-0", 475),), "corrected", meant)
    other = SiloRanking("b", "docs", False, SPACE, (SiloHit("b-0", 425),), "corrected")
    merged = merge([lower, other], 10, b"seed")
    assert [(m.hit.reference, m.hit.bin_middle) for m in merged] == [("b-0", 425), ("a-0", 475)]
    assert not any(m.held_back for m in merged)


def test_cosines_and_corrected_scores_of_one_space_are_not_ordered_together() -> None:
    silos = [
        SiloRanking("a", "docs", False, SPACE, tuple(SiloHit(f"a-{i}", 975) for i in range(4))),
        SiloRanking(
            "b", "docs", False, SPACE, tuple(SiloHit(f"b-{i}", -25) for i in range(4)), "corrected"
        ),
    ]
    merged = merge(silos, 4, b"seed")
    assert {m.silo for m in merged[:2]} == {m.silo for m in merged[2:]} == {0, 1}


@given(st.lists(bins, min_size=1, max_size=12), st.integers(1, 40))
def test_the_list_is_what_rule_two_says_word_by_word(lists: list[list[float]], limit: int) -> None:
    silos = [silo(f"s{i}", list(middles), own=i == 0) for i, middles in enumerate(lists)]
    in_order = references(merge([replace(each, own=True) for each in silos], 1000, b"seed"))
    listed: list[str] = []
    while in_order and len(listed) < limit:
        names = [each.split("-")[0] for each in listed]
        most = (len(listed) + 1) // 2 + 1
        free = [r for r in in_order if r.startswith("s0-") or names.count(r.split("-")[0]) < most]
        listed.append((free or in_order)[0])
        in_order.remove(listed[-1])
    assert references(merge(silos, limit, b"seed")) == listed
