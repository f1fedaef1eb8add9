import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from adapters.errors import WrongDimension
from adapters.metrics import (
    estimate,
    graded_ndcg,
    known_item_ndcg,
    known_item_ranks,
    known_item_recall,
    overlap,
    paired_difference,
    reciprocal_ranks,
    top_k,
)


def test_known_items_are_ranked_by_score() -> None:
    documents = np.eye(4, dtype=np.float32)
    questions = np.array([[9, 1, 1, 0], [9, 8, 1, 0], [9, 8, 7, 6]], dtype=np.float32)
    ranks = known_item_ranks(questions, documents)
    assert ranks.tolist() == [1, 2, 3]
    assert reciprocal_ranks(ranks).tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert known_item_ndcg(ranks, k=2).tolist() == pytest.approx([1, 1 / np.log2(3), 0])
    assert known_item_recall(ranks, k=2).tolist() == [1, 1, 0]


def test_a_map_that_scores_everything_alike_finds_nothing() -> None:
    same = np.ones((50, 3), dtype=np.float32)
    assert (known_item_ranks(same, same) == 50).all()


def test_ranks_are_the_same_in_blocks_and_at_once() -> None:
    rng = np.random.default_rng(0)
    questions = rng.normal(size=(1200, 8)).astype(np.float32)
    documents = (questions + rng.normal(size=(1200, 8))).astype(np.float32)
    scores = questions @ documents.T
    expected = (scores >= np.diag(scores)[:, None]).sum(axis=1)
    assert np.array_equal(known_item_ranks(questions, documents), expected)


def test_overlap_counts_shared_documents_whatever_their_order() -> None:
    found = np.array([[1, 2, 3, 4], [1, 2, 3, 4]])
    other = np.array([[4, 3, 2, 1], [4, 9, 8, 7]])
    assert overlap(found, other).tolist() == [1.0, 0.25]


def test_top_k_is_best_first_and_no_longer_than_the_collection() -> None:
    documents = np.array([[1], [3], [2]], dtype=np.float32)
    assert top_k(np.ones((1, 1), np.float32), documents, 10).tolist() == [[1, 2, 0]]


def test_graded_ndcg_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        grades = rng.integers(0, 4, size=30)
        scores = rng.normal(size=30)
        names = [str(i) for i in range(30)]
        ranking = [names[i] for i in np.argsort(-scores)]
        mine = graded_ndcg(ranking, dict(zip(names, grades.tolist(), strict=True)))
        # scikit-learn takes the gains themselves; ours are 2^grade - 1.
        assert mine == pytest.approx(ndcg_score([2.0**grades - 1], [scores], k=10))


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        found = estimate(rng.normal(0.5, 0.2, size=100), seed)
        assert found.low <= found.value <= found.high
        covered += found.low <= 0.5 <= found.high
    assert 175 <= covered <= 200


def test_a_paired_difference_sees_what_separate_intervals_hide() -> None:
    rng = np.random.default_rng(2)
    worse = rng.random(300)
    better = worse + 0.01
    difference = paired_difference(better, worse)
    assert difference.low > 0
    assert estimate(better).low < estimate(worse).high


def test_measures_of_other_questions_are_refused() -> None:
    with pytest.raises(WrongDimension):
        paired_difference(np.ones(3), np.ones(4))
    with pytest.raises(WrongDimension):
        estimate(np.ones(0))
    with pytest.raises(WrongDimension):
        overlap(np.ones((1, 2), np.int64), np.ones((1, 3), np.int64))
    with pytest.raises(WrongDimension):
        known_item_ranks(np.ones((3, 2), np.float32), np.ones((2, 2), np.float32))


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 12))
def test_the_top_k_are_those_of_sorting_all(seed: int, m: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    questions = rng.normal(size=(5, 3)).astype(np.float32)
    documents = rng.normal(size=(m, 3)).astype(np.float32)
    everything = np.argsort(-(questions @ documents.T), axis=1, kind="stable")
    assert np.array_equal(top_k(questions, documents, k), everything[:, :k])
