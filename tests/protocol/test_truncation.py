"""A longer vector of the same model serves in a shorter Matryoshka space, and in no other."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.envelope import Envelope
from protocol.probe import PROBE_TEXTS, with_sketch
from protocol.truncation import adopt_cut, cuts_of, shorten
from tests.protocol.samples import envelope

WHOLE = 64
PROBE = np.random.default_rng(3).standard_normal((len(PROBE_TEXTS), WHOLE)).astype(np.float32)
NOISE = np.random.default_rng(4).standard_normal(PROBE.shape).astype(np.float32)
OWN = with_sketch(envelope(dimension=WHOLE), PROBE)


def cut(to: int, noise: float = 0.0, **changes: Any) -> Envelope:
    """A partner's space: the model cut to so many components, on a slightly different machine."""
    fields = {"dimension": to, "truncated_from": WHOLE, **changes}
    return with_sketch(envelope(**fields), (PROBE + noise * NOISE)[:, :to])


def test_the_own_model_cut_shorter_adopts_the_partners_space() -> None:
    theirs = cut(32, noise=0.005)
    adopted = adopt_cut(OWN.describing(dtype="int8"), PROBE, [envelope(dimension=32), theirs])
    assert adopted is not None
    assert adopted.space_id == theirs.space_id
    assert (adopted.dimension, adopted.truncated_from, adopted.dtype) == (32, WHOLE, "int8")


def test_a_cut_can_be_cut_again() -> None:
    own = cut(48)
    adopted = adopt_cut(own, PROBE[:, :48], [cut(32)])
    assert adopted is not None
    assert adopted.truncated_from == WHOLE


@pytest.mark.parametrize(
    "theirs",
    [
        cut(32, noise=0.5),  # another model of that name
        cut(32, model="other"),
        cut(32, truncated_from=128),
        cut(32, normalisation="none"),
        with_sketch(envelope(dimension=32), PROBE[:, :32]),  # nobody says that it is a cut
        OWN,
        with_sketch(envelope(dimension=96, truncated_from=128), np.tile(PROBE, 2)[:, :96]),
    ],
)
def test_whatever_is_no_cut_of_the_own_model_is_not_adopted(theirs: Envelope) -> None:
    assert adopt_cut(OWN, PROBE, [theirs]) is None


def test_the_widest_cut_is_taken() -> None:
    assert [each.dimension for each in cuts_of(OWN, [cut(16), cut(48), cut(32)])] == [48, 32, 16]
    adopted = adopt_cut(OWN, PROBE, [cut(16), cut(48, noise=0.5), cut(32)])
    assert adopted is not None
    assert adopted.dimension == 32


@given(st.integers(0, 2**32), st.integers(1, WHOLE - 1))
def test_what_is_cut_is_a_direction_again_unless_it_is_nothing(seed: int, to: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((3, WHOLE)).astype(np.float32)
    rows[1, :to] = 0
    short = shorten(rows, envelope(dimension=to, truncated_from=WHOLE))
    assert short.shape == (3, to)
    assert short.dtype == np.float32
    assert np.allclose(np.linalg.norm(short, axis=1), [1, 0, 1], atol=1e-5)
    own = shorten(rows, envelope(dimension=to, truncated_from=WHOLE, normalisation="none"))
    assert np.array_equal(own, rows[:, :to])
