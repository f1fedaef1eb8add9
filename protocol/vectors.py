"""How a batch of vectors travels: n x d components, little-endian, row by row, in base64.

The rule of this file: one batch has one spelling per dtype, and its length follows from n, d and
dtype before anything is decoded. What comes out of `decode` is finite, of the envelope's dimension,
never zero, and of the length that the envelope states; so nothing behind it has to ask again.

    float32   IEEE 754 binary32
    float16   IEEE 754 binary16
    int8      two's complement, -127..127. Only for spaces with normalisation l2, where a vector is
              a direction: each row is scaled so that its largest magnitude is exactly 127, rounded,
              and brought back to length 1 when decoded. -128 does not occur.

Encoded with the standard alphabet of RFC 4648 section 4, padded, no line breaks, unused bits zero.
"""

import base64
import binascii
import math
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from protocol.envelope import Dtype, Envelope
from protocol.limits import (
    LENGTH_TOLERANCE_MILLI,
    MAX_BATCH,
    MAX_DIMENSION,
    MAX_LENGTH_EXPONENT,
)
from protocol.notation import WireModel

LENGTH_TOLERANCE = LENGTH_TOLERANCE_MILLI / 1000
MIN_LENGTH, MAX_LENGTH = 10.0**-MAX_LENGTH_EXPONENT, 10.0**MAX_LENGTH_EXPONENT
MAX_DATA_CHARS = 4 * -(-MAX_BATCH * MAX_DIMENSION * 4 // 3)

_WIRE: dict[Dtype, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "int8": np.dtype("i1"),
}
_INT8_MAX = 127

Reason = Literal["length", "base64", "dimension", "dtype", "not-finite", "norm", "scale", "batch"]


class VectorsRefused(ValueError):
    """A batch of vectors is not acceptable; `reason` is a stable code.

    The text names rows and limits, never components.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


class Vectors(WireModel):
    """A batch on the wire: `n` rows of `d` components of `dtype`; `data` in standard base64."""

    n: Annotated[int, Field(ge=1, le=MAX_BATCH)]
    d: Annotated[int, Field(ge=1, le=MAX_DIMENSION)]
    dtype: Dtype
    data: Annotated[str, Field(min_length=4, max_length=MAX_DATA_CHARS, repr=False)]


def encode(array: NDArray[np.float32], dtype: Dtype = "float32") -> Vectors:
    """Return the wire form of an (n, d) array of finite, non-zero rows.

    int8 rows are scaled as the module says, so their lengths are lost. Raises VectorsRefused for
    another shape, a component that is not finite in `dtype`, a zero row, or too many rows.
    """
    rows = np.ascontiguousarray(array, dtype=np.float32)
    if rows.ndim != 2 or not 1 <= rows.shape[0] <= MAX_BATCH:
        raise VectorsRefused("batch", f"a batch is 1 to {MAX_BATCH} rows; split it")
    if not 1 <= rows.shape[1] <= MAX_DIMENSION:
        raise VectorsRefused("dimension", f"a vector has 1 to {MAX_DIMENSION} components")
    _check_finite(rows)
    peak = np.abs(rows).max(axis=1, keepdims=True)
    _check_rows(peak[:, 0] > 0, "norm", "a zero vector has no direction; leave it out")
    if dtype == "int8":
        wire = np.rint(rows.astype(np.float64) * (_INT8_MAX / peak.astype(np.float64)))
    else:
        with np.errstate(over="ignore"):  # an overflow becomes infinite and is named below
            wire = rows.astype(_WIRE[dtype])
        _check_finite(wire)
    data = base64.b64encode(wire.astype(_WIRE[dtype]).tobytes()).decode("ascii")
    return Vectors(n=rows.shape[0], d=rows.shape[1], dtype=dtype, data=data)


def decode(vectors: Vectors, envelope: Envelope) -> NDArray[np.float32]:
    """Return the (n, d) float32 rows of a batch that claims to belong to `envelope`.

    Where the envelope says normalisation l2, rows come out with length 1 (float16 and int8 are
    rounded on the way). Raises VectorsRefused: dimension, dtype, length, base64, scale, not-finite,
    norm, in this order.
    """
    if vectors.d != envelope.dimension:
        raise VectorsRefused(
            "dimension",
            f"the vectors have {vectors.d} components, the envelope's space has "
            f"{envelope.dimension}; encode with the model that the envelope names",
        )
    if vectors.dtype != envelope.dtype:
        raise VectorsRefused(
            "dtype", f"the vectors are {vectors.dtype}, the envelope says {envelope.dtype}"
        )
    kind = _WIRE[vectors.dtype]
    raw = _unbase64(vectors.data, vectors.n * vectors.d * kind.itemsize)
    wire = np.frombuffer(raw, dtype=kind).reshape(vectors.n, vectors.d)
    if vectors.n == 1 and (row := _plain_row(wire, envelope)) is not None:
        return row
    if vectors.dtype == "int8":
        _check_int8(wire)
    return _judge_rows(wire.astype(np.float32), envelope, vectors.dtype)


def _unbase64(data: str, size: int) -> bytes:
    if len(data) != 4 * -(-size // 3):
        raise VectorsRefused("length", f"n x d components need {size} bytes; data has another size")
    try:
        raw = binascii.a2b_base64(data, strict_mode=True)
        # Strict mode lets the unused bits of the last four characters be anything.
        canonical = base64.b64encode(raw[-(size % 3 or 3) :]) == data[-4:].encode("ascii")
    except (binascii.Error, ValueError):
        raise VectorsRefused("base64", "data is not standard base64 (RFC 4648 section 4)") from None
    if len(raw) != size or not canonical:
        raise VectorsRefused("base64", "data is not the canonical base64 of its bytes")
    return raw


def _plain_row(wire: NDArray[Any], envelope: Envelope) -> NDArray[np.float32] | None:
    """Return one float32 row of about length 1 at length 1, None for whatever `_judge_rows` is for.

    One number is judged as a number: arrays of one cost a single question as much as large ones.
    It is the one that `_judge_rows` finds, to the last bit: the row comes out as in a batch.
    """
    if wire.dtype != np.float32 or envelope.normalisation != "l2":
        return None
    row = wire[0]
    with np.errstate(over="ignore", invalid="ignore"):
        length = math.sqrt(row.dot(row))  # NaN for a component that is: no comparison holds
    if not abs(length - 1.0) <= LENGTH_TOLERANCE:
        return None
    return np.asarray(wire / np.float32(length), dtype=np.float32)


def _judge_rows(rows: NDArray[np.float32], envelope: Envelope, dtype: Dtype) -> NDArray[np.float32]:
    """Judge components and lengths; a row whose length passes has no component that is not finite.

    So only where some length does not pass each component is looked at, to name what is wrong.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # such a length passes no bound below
        lengths = np.sqrt(np.vecdot(rows, rows))  # each as `dot` gives it
    if envelope.normalisation == "none":
        good = (lengths >= MIN_LENGTH) & (lengths <= MAX_LENGTH)
        wrong = f"its length lies outside {MIN_LENGTH:g}..{MAX_LENGTH:g}"
    elif dtype == "int8":  # its components are whole numbers, its length is lost
        return np.asarray(rows / lengths[:, None], dtype=np.float32)
    else:
        good = np.abs(lengths - 1.0) <= LENGTH_TOLERANCE
        wrong = "the envelope says l2, so its length must be 1; normalise it"
    if not good.all():
        _check_finite(rows)
        _check_rows(good, "norm", wrong)
    if envelope.normalisation == "none":
        return rows
    return np.asarray(rows / lengths[:, None], dtype=np.float32)


def _check_int8(wire: NDArray[Any]) -> None:
    peak = np.abs(wire.astype(np.int16)).max(axis=1)
    _check_rows(peak > 0, "norm", "a zero vector has no direction; leave it out")
    _check_rows(peak == _INT8_MAX, "scale", "its largest magnitude must be 127; scale the row")


def _check_finite(rows: NDArray[Any]) -> None:
    finite = np.isfinite(rows).all(axis=1)
    _check_rows(finite, "not-finite", "a component is NaN, infinite or too large for its dtype")


def _check_rows(good: NDArray[np.bool_], reason: Reason, detail: str) -> None:
    if not good.all():
        raise VectorsRefused(reason, f"vector {int(np.argmin(good))}: {detail}")
