"""Scores: the cosine within one space, the mapped document's across two, corrected by anchors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.affine import AffineMap
from adapters.corrected import Correction, Scalars, Yardstick
from node.federation.scoring import FloatArray, Scoring, _as_found, score
from node.index.candidate import Candidate, Candidates
from node.index.similarity import Nearness

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def candidates(vectors: FloatArray) -> Candidates:
    found = (Candidate(key, 0.0, vector) for key, vector in enumerate(vectors))
    return Candidates.of(found, vectors.shape[1])


def computed(yardstick: Yardstick, found: Candidates) -> Scalars:
    return yardstick.scalars(found.vectors)


def random_map(generator: np.random.Generator, d_in: int, d_out: int) -> AffineMap:
    weight = generator.normal(size=(d_out, d_in)).astype(np.float32)
    return AffineMap("ridge", weight, generator.normal(size=d_out).astype(np.float32), A, B)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(0, 12))
def test_across_spaces_the_score_is_the_cosine_with_the_mapped_document(
    seed: int, n: int, m: int
) -> None:
    generator = np.random.default_rng(seed)
    inward = random_map(generator, 6, 5)
    queries = generator.normal(size=(n, 5)).astype(np.float32)
    documents = generator.normal(size=(m, 6)).astype(np.float32)
    scored = score(queries, [candidates(documents)] * n, Scoring(inward), computed)
    for query, ranking in zip(queries, scored, strict=True):
        for key, found in zip(ranking.keys, ranking.scores, strict=True):
            mapped = inward.weight @ documents[key] + inward.bias
            cosine = mapped @ query / np.linalg.norm(mapped) / np.linalg.norm(query)
            assert found == pytest.approx(cosine, abs=1e-4)
        assert ranking.scores == sorted(ranking.scores, reverse=True)
        assert sorted(ranking.keys) == list(range(m))


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.floats(0.01, 100))
def test_within_one_space_lengths_play_no_part(seed: int, a: float, b: float) -> None:
    generator = np.random.default_rng(seed)
    query = generator.normal(size=(1, 5)).astype(np.float32)
    documents = generator.normal(size=(7, 5)).astype(np.float32)
    plain = score(query, [candidates(documents)], Scoring(), computed)[0]
    scaled = score(
        query * np.float32(a), [candidates(documents * np.float32(b))], Scoring(), computed
    )[0]
    assert scaled.scores == pytest.approx(plain.scores, abs=1e-5)
    assert all(-1 <= each <= 1 for each in plain.scores)


def test_equal_scores_keep_the_order_of_the_index() -> None:
    document = np.array([1, 0, 0], dtype=np.float32)
    scored = score(document[None, :], [candidates(np.stack([document] * 5))], Scoring(), computed)[
        0
    ]
    assert scored.keys == [0, 1, 2, 3, 4]


def test_a_document_without_length_comes_last() -> None:
    documents = np.array([[0, 0], [-1, 0.1]], dtype=np.float32)
    scored = score(
        np.array([[1, 0]], dtype=np.float32), [candidates(documents)], Scoring(), computed
    )[0]
    assert scored.keys == [1, 0]
    assert scored.scores[1] == -1.0


def test_a_document_near_every_question_is_marked_down_and_keeps_its_cosine() -> None:
    """Two documents answer a question alike; one of them lies near to all anchor questions."""
    inward = AffineMap("ridge", np.eye(3, dtype=np.float32), np.zeros(3, np.float32), A, B)
    anchors = np.array([[0, 1, 0]] * 10, dtype=np.float32)
    documents = np.array([[0.6, 0.8, 0], [0.6, 0, 0.8]], dtype=np.float32)
    scoring = Scoring(inward, Correction(Yardstick(inward, "sha256:map", anchors), 0.1))
    question = np.array([[1, 0, 0]], dtype=np.float32)
    (scored,) = score(question, [candidates(documents)], scoring, computed)
    assert scored.keys == [1, 0]
    assert scored.scores == pytest.approx([0.5, 0.1])
    assert scored.cosines == pytest.approx([0.6, 0.6])


@pytest.mark.parametrize("unit", [True, False])
@given(st.integers(0, 2**32 - 1))
def test_where_the_search_gives_cosines_they_are_the_scores(unit: bool, seed: int) -> None:
    generator = np.random.default_rng(seed)
    query, documents = (generator.normal(size=(n, 5)).astype(np.float32) for n in (1, 7))
    if unit:
        documents /= np.linalg.norm(documents, axis=1, keepdims=True)
    nearness = Nearness("cosine", unit, 5)
    found = nearness.scores(nearness.query_form(query), documents, nearness.norms(documents))[0]
    order = (-found).argsort()
    listed = [Candidate(int(key), float(found[key]), documents[key]) for key in order]
    candidates = Candidates.of(listed, 5)
    scored = score(query, [candidates], Scoring(), computed)[0]
    told, none, again = _as_found([candidates, Candidates.of([], 5), candidates])
    assert told == again
    assert len(none) == 0
    assert told.scores == told.cosines == pytest.approx(scored.scores, abs=1e-6)
    assert sorted(told.keys) == sorted(scored.keys)
