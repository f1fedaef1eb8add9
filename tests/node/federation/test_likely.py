"""What silos are expected to give: what they gave to questions like this one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.federation.likely import LEAST, expected_shares

RNG = np.random.default_rng(3)


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def topics(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Questions (2 * count, 16) about two topics in turn, and what two silos gave to them."""
    topic = np.arange(2 * count) % 2
    rows = unit(np.eye(16)[topic] + 0.2 * RNG.standard_normal((2 * count, 16)))
    return rows, np.eye(2, dtype=np.float32)[topic]


def test_the_silo_that_answered_like_questions_is_expected_to_give_most() -> None:
    past, shares = topics(30)
    first, second = expected_shares(past[:1], past[2:], shares[2:])
    assert first > 0.8
    assert second < 0.2


def test_a_batch_expects_the_mean_over_its_questions() -> None:
    past, shares = topics(30)
    both = expected_shares(past[:2], past[2:], shares[2:])
    apart = [expected_shares(past[n : n + 1], past[2:], shares[2:]) for n in (0, 1)]
    assert both == pytest.approx(np.mean(apart, axis=0))


def test_nothing_is_expected_of_a_silo_with_too_few_answers() -> None:
    past, shares = topics(LEAST)
    shares[LEAST - 1 :, 1] = np.nan
    known, unknown = expected_shares(past[:1], past, shares)
    assert not np.isnan(known)
    assert np.isnan(unknown)


def test_questions_that_are_all_alike_give_the_plain_mean() -> None:
    past = np.ones((LEAST, 4), dtype=np.float32)
    shares = np.linspace(0, 1, LEAST, dtype=np.float32)[:, None]
    assert expected_shares(past[:1], past, shares) == pytest.approx([0.5])


@given(st.floats(0.01, 100.0))
def test_how_crowded_a_model_is_does_not_matter(scale: float) -> None:
    past, shares = topics(20)
    crowded = (past * np.float32(scale)).astype(np.float32)
    plain = expected_shares(past[:3], past, shares)
    assert expected_shares(past[:3], crowded, shares) == pytest.approx(plain, abs=1e-3)
