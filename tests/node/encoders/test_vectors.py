"""What passes the check keeps the envelope's promises; what does not is named by its row."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from node.encoders.errors import UnusableVectors
from node.encoders.vectors import checked
from tests.node.collections.rooms import envelope

ANY = arrays(np.float32, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(width=32))


@given(ANY)
def test_unit_vectors_or_one_error(rows: npt.NDArray[np.float32]) -> None:
    bad = np.flatnonzero(np.any(~np.isfinite(rows), axis=1) | np.all(rows == 0, axis=1))
    if len(bad):
        with pytest.raises(UnusableVectors) as caught:
            checked(rows, envelope(dimension=4))
        assert caught.value.row in bad
    else:
        result = checked(rows, envelope(dimension=4))
        np.testing.assert_allclose(np.linalg.norm(result.astype("f8"), axis=1), 1, atol=1e-3)


def test_lengths_are_kept_where_the_envelope_says_so() -> None:
    rows = np.array([[3, 4], [0.1, 0]], dtype="f4")
    plain = envelope(dimension=2, normalisation="none")
    np.testing.assert_array_equal(checked(rows, plain), rows)
    for extreme in (1e-9, 1e9):
        with pytest.raises(UnusableVectors, match="length outside"):
            checked(rows * extreme, plain)


@pytest.mark.parametrize("rows", [[[1, 2, 3]], [1, 2], [[1], [1, 2]], [["a", "b"]], [[[1, 2]]]])
def test_other_shapes_are_refused(rows: Any) -> None:
    with pytest.raises(UnusableVectors):
        checked(rows, envelope(dimension=2))


def test_numbers_too_large_for_float32_are_named() -> None:
    with pytest.raises(UnusableVectors, match="infinity"):
        checked([[1e300, 1.0]], envelope(dimension=2))


def test_the_first_bad_row_is_named_without_its_values() -> None:
    rows = np.ones((4, 2), "f4")
    rows[2, 1] = np.nan
    with pytest.raises(UnusableVectors, match=r"^vector 3 of 4 holds a NaN") as caught:
        checked(rows, envelope(dimension=2))
    assert caught.value.row == 2
