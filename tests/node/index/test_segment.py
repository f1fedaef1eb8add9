"""Scoring row by row: right for every kind of nearness, documents by their best chunk."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from node.index.segment import Segment, join, top_documents
from node.index.similarity import Nearness

FloatArray = npt.NDArray[np.float32]

SCORES = arrays(
    np.float32,
    st.integers(0, 60),
    elements=st.integers(-5, 5).map(float) | st.floats(-1, 1, width=32),
)


def naive_top(
    scores: FloatArray, documents: npt.NDArray[np.int64], k: int
) -> list[tuple[float, int]]:
    best: dict[int, float] = {}
    for score, document in zip(scores.tolist(), documents.tolist(), strict=True):
        best[document] = max(score, best.get(document, -np.inf))
    ordered = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [(score, document) for document, score in ordered[:k]]


@given(scores=SCORES, k=st.integers(1, 20), data=st.data())
def test_the_best_documents_are_those_of_a_plain_sort(
    scores: FloatArray, k: int, data: st.DataObject
) -> None:
    documents = data.draw(arrays(np.int64, len(scores), elements=st.integers(0, 15)))
    rows = top_documents(scores, documents, k)
    found = list(zip(scores[rows].tolist(), documents[rows].tolist(), strict=True))
    assert found == naive_top(scores, documents, k)


def naive_score(similarity: str, query: FloatArray, vector: FloatArray) -> float:
    q, v = query.astype(np.float64), vector.astype(np.float64)
    if similarity == "l2":
        return float(-((q - v) ** 2).sum())
    return float(q @ v / (np.linalg.norm(q) * np.linalg.norm(v) if similarity == "cosine" else 1))


@pytest.mark.parametrize("similarity", ["cosine", "dot", "l2"])
@pytest.mark.parametrize("unit", [True, False])
def test_scores_follow_the_definition(similarity: str, unit: bool) -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(40, 8)).astype("f4") * 3
    if unit:
        vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    queries = random.normal(size=(3, 8)).astype("f4") * 2
    nearness = Nearness(similarity, unit, 8)  # type: ignore[arg-type]  # parametrised literals
    shown = nearness.scores(nearness.query_form(queries), vectors, nearness.norms(vectors))
    expected = [[naive_score(similarity, q, v) for v in vectors] for q in queries]
    np.testing.assert_allclose(shown, expected, rtol=1e-4, atol=1e-4)


def segment(count: int, first_key: int = 1) -> Segment:
    random = np.random.default_rng(first_key)
    vectors = random.normal(size=(count, 4)).astype("f4")
    keys = np.arange(first_key, first_key + count)
    return Segment(keys, keys // 2, np.zeros(count, "i4"), vectors, np.ones(count, "f4"))


def test_exact_search_in_blocks_is_exact() -> None:
    rows = segment(20_000)
    nearness = Nearness("dot", False, 4)
    queries = np.random.default_rng(5).normal(size=(3, 4)).astype("f4")
    mask = rows.documents % 3 == 0
    found: dict[int, list[tuple[float, int]]] = {0: [], 1: [], 2: []}
    for query, at, scores in rows.exact(nearness, queries, mask, 7):
        found[query] += zip(scores.tolist(), rows.documents[at].tolist(), strict=True)
    for query, seen in found.items():
        scores = rows.vectors[mask] @ queries[query]
        expected = naive_top(scores, rows.documents[mask], 7)
        best = sorted(seen, key=lambda item: (-item[0], item[1]))[:7]
        assert [document for _, document in best] == [document for _, document in expected]


def test_joining_keeps_rows_and_order() -> None:
    one, two = segment(3, 1), segment(2, 10)
    both = join([one, two])
    assert both.keys.tolist() == [1, 2, 3, 10, 11]
    np.testing.assert_array_equal(both.vectors[3:], two.vectors)
    assert len(both.only(both.keys > 2)) == 3
