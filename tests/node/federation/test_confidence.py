"""The flag of an answer whose best scores are unusually low: made of shown bins alone."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.confidence import TopScores
from node.federation.confidence import flagged
from node.federation.disclose import ShownList, ShownRecords, bin_of

WIDTH = 50
USUAL = TopScores(mean=0.6, spread=0.1, threshold=-1.6, questions=100)  # low below 0.44


def shown(*scores: float) -> ShownList:
    bins = tuple(bin_of(score, WIDTH) for score in scores)
    return ShownRecords(tuple(range(len(bins))), bins)


def test_a_low_best_score_is_flagged_and_a_usual_one_is_not() -> None:
    assert flagged([shown(0.31, 0.3)], WIDTH, USUAL) is True
    assert flagged([shown(0.61, 0.1)], WIDTH, USUAL) is False


def test_one_poor_list_of_a_batch_is_enough() -> None:
    assert flagged([shown(0.7), shown(0.2)], WIDTH, USUAL) is True


def test_finding_nothing_is_flagged() -> None:
    assert flagged([shown()], WIDTH, USUAL) is True


def test_what_shows_no_bins_is_not_judged() -> None:
    ranks = ShownRecords((1, 2))
    for lists in ([ranks], [3], [True], [None]):
        assert flagged(lists, WIDTH, USUAL) is None
    assert flagged([ranks, shown(0.7)], WIDTH, USUAL) is False
    assert flagged([shown(0.1)], WIDTH, None) is None


@given(st.integers(-20, 19), st.floats(0, 0.999), st.floats(0, 0.999))
def test_scores_within_one_bin_make_no_difference(number: int, one: float, other: float) -> None:
    """So the flag tells a partner nothing that the bin does not."""
    flags = {
        flagged([shown((number + part) * WIDTH / 1000)], WIDTH, USUAL)
        for part in (min(one, 0.99), min(other, 0.99))
        if bin_of((number + part) * WIDTH / 1000, WIDTH) == number
    }
    assert len(flags) <= 1
