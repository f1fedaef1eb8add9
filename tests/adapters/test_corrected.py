"""The corrected score: a document's own part of it, and what a yardstick is known by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.affine import AffineMap
from adapters.corrected import NEAREST, Yardstick, corrected, hubness, offset_of
from adapters.errors import WrongDimension
from adapters.map import Floats
from adapters.rescore import rescore
from tests.adapters.worlds import SOURCE, TARGET, unit


def rows(seed: int, n: int, d: int) -> Floats:
    return unit(np.random.default_rng(seed).normal(size=(n, d)))


def yardstick(seed: int, d_in: int = 6, d_out: int = 4, anchors: int = 30) -> Yardstick:
    weight = np.random.default_rng(seed).normal(size=(d_out, d_in)).astype(np.float32)
    inward = AffineMap("ridge", weight, np.zeros(d_out, np.float32), SOURCE, TARGET)
    return Yardstick(inward, f"sha256:{seed}", rows(seed + 1, anchors, d_out))


@given(st.integers(0, 10_000), st.integers(0, 25), st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_hubness_is_the_mean_cosine_of_the_ten_nearest_anchor_questions(
    seed: int, m: int, anchors: int
) -> None:
    documents, questions = rows(seed, m, 5), rows(seed + 1, anchors, 5)
    found = hubness(documents, questions)
    assert found.shape == (m,)
    for document, h in zip(documents, found, strict=True):
        nearest = sorted((questions @ document).tolist(), reverse=True)[:NEAREST]
        assert h == pytest.approx(np.mean(nearest), abs=1e-5)


@given(st.integers(0, 10_000), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_scalars_made_one_by_one_are_those_made_together(seed: int, m: int) -> None:
    measure, documents = yardstick(seed), rows(seed + 2, m, 6)
    together = measure.scalars(documents)
    for at in range(m):
        alone = measure.scalars(documents[at : at + 1])
        assert alone.lengths[0] == pytest.approx(together.lengths[at], abs=1e-5)
        assert alone.hubness[0] == pytest.approx(together.hubness[at], abs=1e-5)


def test_the_offset_brings_true_answers_of_a_route_to_nothing_on_average() -> None:
    measure = yardstick(3)
    questions, documents = rows(5, 50, 4), rows(6, 50, 6)
    scalars = measure.scalars(documents)
    mapped = measure.inward.apply(documents)
    offset = offset_of(questions, mapped, measure.questions)
    scores = [
        corrected(
            rescore(measure.inward, question, documents[at : at + 1], scalars.lengths[at : at + 1]),
            scalars.hubness[at : at + 1],
            offset,
        )[0]
        for at, question in enumerate(questions)
    ]
    assert np.mean(scores) == pytest.approx(0.0, abs=1e-5)


def test_a_corrected_score_stays_within_the_range_of_bins() -> None:
    ends = np.array([1.0, -1.0], dtype=np.float32)
    assert corrected(ends, -ends, 0.0).tolist() == [1.0, -1.0]
    assert corrected(ends, ends, 3.0).tolist() == [-1.0, -1.0]


def test_another_map_or_other_anchors_make_another_yardstick() -> None:
    one = yardstick(1)
    assert one.digest == Yardstick(one.inward, one.adapter, one.questions.copy()).digest
    assert one.digest != Yardstick(one.inward, "sha256:other", one.questions).digest
    assert one.digest != Yardstick(one.inward, one.adapter, one.questions[1:]).digest


def test_anchors_of_another_space_or_none_at_all_are_refused() -> None:
    one = yardstick(1)
    with pytest.raises(WrongDimension, match="anchor questions"):
        Yardstick(one.inward, one.adapter, rows(0, 3, 5))
    with pytest.raises(WrongDimension, match="anchor questions"):
        Yardstick(one.inward, one.adapter, rows(0, 3, 4)[:0])
    with pytest.raises(WrongDimension, match="held-out"):
        offset_of(rows(0, 0, 4), rows(0, 0, 4), one.questions)
