"""Vectors on the wire: one spelling, nothing that the envelope does not promise."""

import base64
import struct
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pydantic import ValidationError

from protocol.envelope import Dtype, Envelope
from protocol.limits import MAX_BATCH, MAX_DIMENSION
from protocol.vectors import Vectors, VectorsRefused, decode, encode
from tests.protocol.samples import envelope

Array = NDArray[np.float32]
DTYPES: tuple[Dtype, ...] = get_args(Dtype)


def unit_rows(n: int, d: int, seed: int = 0) -> Array:
    rows = np.random.default_rng(seed).standard_normal((n, d))
    unit: Array = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def space(d: int = 4, **changes: Any) -> Envelope:
    return envelope(dimension=d, **changes)


def raw(values: Any, dtype: Dtype = "float32", d: int = 4, n: int = 1) -> Vectors:
    kind = {"float32": "<f4", "float16": "<f2", "int8": "i1"}[dtype]
    data = base64.b64encode(np.asarray(values, dtype=kind).tobytes()).decode()
    return Vectors(n=n, d=d, dtype=dtype, data=data)


def reason(vectors: Vectors, of: Envelope) -> str:
    with pytest.raises(VectorsRefused) as caught:
        decode(vectors, of)
    return caught.value.reason


def test_the_wire_form_is_little_endian_rows_in_standard_base64() -> None:
    rows = np.array([[0.5, -0.5, 0.5, 0.5], [1.0, 0.0, 0.0, 0.0]], dtype=np.float32)
    sent = encode(rows)
    packed = struct.pack("<8f", 0.5, -0.5, 0.5, 0.5, 1.0, 0.0, 0.0, 0.0)
    assert (sent.n, sent.d, sent.dtype) == (2, 4, "float32")
    assert sent.data == base64.b64encode(packed).decode()
    half = struct.pack("<8e", 0.5, -0.5, 0.5, 0.5, 1.0, 0.0, 0.0, 0.0)
    assert encode(rows, "float16").data == base64.b64encode(half).decode()


def test_int8_rows_are_scaled_to_their_largest_magnitude() -> None:
    rows = np.array([[0.6, -0.8, 0.0, 0.0]], dtype=np.float32)
    assert base64.b64decode(encode(rows, "int8").data) == struct.pack("4b", 95, -127, 0, 0)


@pytest.mark.parametrize(
    ("dtype", "least"), [("float32", 1 - 1e-6), ("float16", 1 - 1e-6), ("int8", 0.9999)]
)
@given(n=st.integers(1, 5), d=st.integers(1, 400), seed=st.integers(0, 2**32))
def test_directions_survive_the_wire(dtype: Dtype, least: float, n: int, d: int, seed: int) -> None:
    rows = unit_rows(n, d, seed)
    back = decode(encode(rows, dtype), space(d, dtype=dtype))
    assert back.dtype == np.float32
    assert back.shape == (n, d)
    assert np.allclose(np.linalg.norm(back, axis=1), 1, atol=1e-6)
    assert (back * rows).sum(axis=1).min() > least - 1e-6


@given(n=st.integers(1, 4), d=st.integers(1, 600), seed=st.integers(0, 2**32), sharp=st.booleans())
def test_rounding_turns_a_vector_by_no_more_than_half_a_step(
    n: int, d: int, seed: int, sharp: bool
) -> None:
    """int8: half a step in each of d components of a row at least 127 long. float16: 2^-11."""
    rows = unit_rows(n, d, seed)
    if sharp:  # one component holds nearly everything: the others get the fewest steps
        rows[:, 0] = 30
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    bounds: dict[Dtype, float] = {"int8": np.sqrt(d) / 254, "float16": 2.0**-11 + d * 2.0**-25}
    for dtype, bound in bounds.items():
        back = decode(encode(rows, dtype), space(d, dtype=dtype))
        apart = np.linalg.norm(back.astype(np.float64) - rows, axis=1)
        assert apart.max() <= 2 * bound + 1e-6


@given(n=st.integers(1, 3), d=st.integers(1, 64), seed=st.integers(0, 2**32))
def test_int8_is_written_once_and_the_same_ever_after(n: int, d: int, seed: int) -> None:
    of = space(d, dtype="int8")
    sent = encode(unit_rows(n, d, seed), "int8")
    assert encode(decode(sent, of), "int8") == sent


@given(arrays(np.float32, (3, 5), elements=st.floats(-1000, 1000, width=32)))
def test_unnormalised_float32_rows_come_back_bit_for_bit(rows: Array) -> None:
    of = space(5, normalisation="none")
    if (np.linalg.norm(rows, axis=1) < 1e-5).any():
        return
    assert np.array_equal(decode(encode(rows), of), rows)


@given(st.sampled_from(DTYPES), st.data())
def test_any_data_is_decoded_or_refused_by_name(dtype: Dtype, data: st.DataObject) -> None:
    size = {"float32": 16, "float16": 8, "int8": 4}[dtype]
    content = data.draw(st.binary(min_size=size, max_size=size))
    text = base64.b64encode(content).decode()
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("A/+=-_ \nzé"))
    for candidate in (text, text[:at] + letter + text[at + 1 :], text[:at], text + letter):
        if len(candidate) < 4:
            continue
        try:
            back = decode(Vectors(n=1, d=4, dtype=dtype, data=candidate), space(dtype=dtype))
        except VectorsRefused:
            continue
        assert np.isfinite(back).all()
        assert abs(float(np.linalg.norm(back)) - 1) < 1e-5


@given(
    arrays(np.float32, (5,), elements=st.floats(width=32)),
    st.sampled_from([None, 0.0009, 0.0011, -0.0009, -0.0011]),
)
def test_a_row_alone_is_judged_as_it_is_in_a_batch(row: Array, off: float | None) -> None:
    length = float(np.linalg.norm(row.astype(np.float64)))
    if off is not None and 0 < length < np.inf:  # so that hardly any row is merely far off
        row = (row.astype(np.float64) / length * (1 + off)).astype(np.float32)
    outcomes: list[Any] = []
    for rows in (row[None], np.stack([row, row])):
        try:
            back = decode(raw(rows, d=5, n=len(rows)), space(5))
        except VectorsRefused as refused:
            outcomes.append(refused.reason)
        else:
            outcomes.append(back[0].round(6).tolist())
    assert outcomes[0] == pytest.approx(outcomes[1], abs=2e-6)


@given(st.integers(1, 1100), st.integers(0, 2**32 - 1))
def test_a_row_alone_comes_out_bit_for_bit_as_in_a_batch(d: int, seed: int) -> None:
    """Else the same question, once alone and once in a batch, would count as two that lie close."""
    rows = np.random.default_rng(seed).standard_normal((3, d)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    together = decode(raw(rows, d=d, n=3), space(d))
    alone = [decode(raw(row[None], d=d, n=1), space(d)) for row in rows]
    assert np.concatenate(alone).tobytes() == together.tobytes()


def test_a_batch_of_the_largest_size_passes() -> None:
    rows = unit_rows(MAX_BATCH, 32)
    assert np.allclose(decode(encode(rows), space(32)), rows, atol=1e-6)
    with pytest.raises(VectorsRefused):
        encode(unit_rows(MAX_BATCH + 1, 32))


def test_a_vector_of_the_largest_dimension_passes() -> None:
    row = unit_rows(1, MAX_DIMENSION)
    assert np.allclose(decode(encode(row), space(MAX_DIMENSION)), row, atol=1e-6)


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("normalisation", ["l2", "none"])
def test_what_is_not_finite_is_refused(spoilt: float, dtype: Dtype, normalisation: str) -> None:
    of = space(dtype=dtype, normalisation=normalisation)
    assert reason(raw([1.0, spoilt, 0.0, 0.0], dtype), of) == "not-finite"
    with pytest.raises(VectorsRefused) as caught:
        encode(np.array([[1.0, spoilt]], dtype=np.float32), dtype)
    assert caught.value.reason == "not-finite"


def test_zero_vectors_are_refused_everywhere() -> None:
    zero = np.zeros((1, 4), dtype=np.float32)
    for dtype in DTYPES:
        assert reason(raw(zero, dtype), space(dtype=dtype)) == "norm"
        with pytest.raises(VectorsRefused):
            encode(zero, dtype)
    assert reason(raw(zero), space(normalisation="none")) == "norm"


@pytest.mark.parametrize("length", [0.0, 0.5, 0.998, 1.002, 2.0, 1e30, 3e38])
def test_an_l2_vector_of_another_length_is_refused(length: float) -> None:
    assert reason(raw([length, 0, 0, 0]), space()) == "norm"


@pytest.mark.parametrize("length", [0.9995, 1.0, 1.0005])
def test_lengths_within_tolerance_come_out_as_one(length: float) -> None:
    assert decode(raw([length, 0, 0, 0]), space())[0, 0] == 1.0


@pytest.mark.parametrize("length", [1e-7, 2e6, 3e38])
def test_without_normalisation_lengths_are_bounded_too(length: float) -> None:
    of = space(normalisation="none")
    assert reason(raw([length, 0, 0, 0]), of) == "norm"


def test_the_refused_row_is_named_and_no_component_is() -> None:
    with pytest.raises(VectorsRefused, match="vector 1") as caught:
        decode(raw([1, 0, 0, 0, 0.123, 0, 0, 0], n=2), space())
    assert "0.123" not in str(caught.value)


def test_int8_has_one_spelling() -> None:
    of = space(dtype="int8")
    assert reason(raw([100, 0, 0, 0], "int8"), of) == "scale"
    assert reason(raw([-128, 0, 0, 0], "int8"), of) == "scale"
    assert decode(raw([-127, 0, 0, 0], "int8"), of)[0, 0] == -1.0


def test_dimension_and_dtype_are_the_envelopes() -> None:
    assert reason(raw([1, 0, 0], d=3), space()) == "dimension"
    assert reason(raw([1, 0, 0, 0], "float16"), space()) == "dtype"


def test_the_length_is_judged_before_anything_is_decoded() -> None:
    data = raw([1, 0, 0, 0]).data
    for text in (data[:-4], data + "AAAA", data[:-1], "!" * (len(data) - 4)):
        assert reason(Vectors(n=1, d=4, dtype="float32", data=text), space()) == "length"
    assert reason(Vectors(n=2, d=4, dtype="float32", data=data), space()) == "length"


def test_only_canonical_standard_base64_is_read() -> None:
    data = raw([1, 0, 0, 0]).data
    assert data.endswith("A==")
    for text in (
        data[:-3] + "B==",
        data[:-2] + "A=",
        "\n" + data[1:],
        data[:8] + " " + data[9:],
        "-" + data[1:],
        "_" + data[1:],
        "é" + data[1:],
        "=" + data[1:],
        data[:4] + "====" + data[8:],
    ):
        assert reason(Vectors(n=1, d=4, dtype="float32", data=text), space()) == "base64"


@pytest.mark.parametrize(
    "change",
    [
        {"n": 0},
        {"n": MAX_BATCH + 1},
        {"n": True},
        {"n": "1"},
        {"d": 0},
        {"d": MAX_DIMENSION + 1},
        {"dtype": "float64"},
        {"data": ""},
        {"data": None},
        {"more": 1},
    ],
)
def test_another_frame_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Vectors.model_validate({**raw([1, 0, 0, 0]).model_dump(), **change})


def test_the_text_form_shows_no_components() -> None:
    sent = encode(unit_rows(1, 4))
    assert sent.data not in repr(sent)


@pytest.mark.parametrize("shape", [(4,), (0, 4), (2, 0), (2, 2, 2), (1, MAX_DIMENSION + 1)])
def test_an_array_of_another_shape_is_not_encoded(shape: tuple[int, ...]) -> None:
    with pytest.raises(VectorsRefused):
        encode(np.ones(shape, dtype=np.float32))


def test_what_float16_cannot_hold_is_refused_by_the_sender() -> None:
    with pytest.raises(VectorsRefused) as caught:
        encode(np.array([[1e6, 1.0]], dtype=np.float32), "float16")
    assert caught.value.reason == "not-finite"
