import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.affine import AffineMap
from adapters.errors import WrongDimension
from adapters.rescore import mapped_lengths, rescore
from tests.adapters.worlds import SOURCE, TARGET, unit


def a_map(seed: int, d_in: int, d_out: int) -> AffineMap:
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(d_out, d_in)).astype(np.float32)
    return AffineMap("ridge", weight, rng.normal(size=d_out).astype(np.float32), SOURCE, TARGET)


@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(1, 20), st.integers(1, 30))
@settings(max_examples=50, deadline=None)
def test_rescoring_is_the_cosine_with_the_mapped_documents(
    seed: int, d_in: int, d_out: int, m: int
) -> None:
    rng = np.random.default_rng(seed)
    inward, documents = a_map(seed, d_in, d_out), unit(rng.normal(size=(m, d_in)))
    question = unit(rng.normal(size=(1, d_out)))[0]
    expected = inward.apply(documents) @ question
    assert np.allclose(rescore(inward, question, documents), expected, atol=1e-4)
    kept = mapped_lengths(inward, documents)
    assert np.allclose(rescore(inward, question, documents, kept), expected, atol=1e-4)


def test_no_documents_give_no_scores() -> None:
    inward = a_map(0, 5, 4)
    question = np.array([1, 0, 0, 0], dtype=np.float32)
    assert rescore(inward, question, np.empty((0, 5), np.float32)).shape == (0,)


def test_a_question_or_documents_of_other_spaces_are_refused() -> None:
    inward = a_map(0, 5, 4)
    with pytest.raises(WrongDimension, match="question"):
        rescore(inward, np.ones(5, np.float32), np.ones((2, 5), np.float32))
    with pytest.raises(WrongDimension, match="documents"):
        rescore(inward, np.ones(4, np.float32), np.ones((2, 4), np.float32))
