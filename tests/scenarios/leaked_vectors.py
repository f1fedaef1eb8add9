"""Stored vectors in bytes: exactly as any dtype writes them, or scaled, shifted and rounded.

Exact: eight bytes in a row (one component as float64, two as float32, four as float16, bfloat16 or
int16, eight as int8) as a stored row has them, in either byte order.

Nearly: 24 numbers in a row, read as each dtype at each byte, or written as digits, whose cosine
with a part of a stored row, both about their means, is above 0.99. So neither a scale, an offset
nor rounding hides a row. To be fast, only those are compared that lie on the same side of their
mean in the first 16 places; each row has four parts, and one is enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

WINDOW_BYTES = 8
PART = 24
SIGNS = 16
PARTS_OF_A_ROW = 4
COSINE = 0.99
INTEGERS = ("i1", "u1", "<i2", ">i2", "<u2", ">u2")
FLOATS = ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8")

_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,3})?")
_HUGE = 1e30  # beyond it nothing is a component, and squares overflow

Floats = NDArray[np.float64]


class StoredVectors:
    """The rows (n, d) float32 that must not be found."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._windows = np.sort(
            np.concatenate([np.zeros(0, "<u8"), *(_windows(form) for form in _forms(vectors))])
        )
        parts = _parts(vectors.astype(np.float64))
        signs = _signs(parts)
        order = np.argsort(signs, kind="stable")
        self._parts = _unit(parts[order])
        self._first = np.searchsorted(signs[order], np.arange(2**SIGNS + 1))
        self._counts = np.diff(self._first)

    def found_in(self, layer: bytes, text: str) -> Iterator[str]:
        """How a row was found in these bytes, or in them as text."""
        if self._exactly(layer):
            yield "components in a row"
        for name, numbers in _read_as_any(layer):
            if self._nearly(numbers):
                yield f"nearly, as {name}"
        if self._nearly(_components(np.array([float(one) for one in _NUMBER.findall(text)]))):
            yield "nearly, as digits"

    def _exactly(self, layer: bytes) -> bool:
        if not len(self._windows):
            return False
        for offset in range(WINDOW_BYTES):
            count = max(0, len(layer) - offset) // WINDOW_BYTES
            words = np.frombuffer(layer, "<u8", count, offset) if count else self._windows[:0]
            places = np.searchsorted(self._windows, words).clip(max=len(self._windows) - 1)
            if (self._windows[places] == words).any():
                return True
        return False

    def _nearly(self, numbers: Floats) -> bool:
        """Whether any PART numbers in a row are nearly a part of a stored row."""
        if len(numbers) < PART or not len(self._parts):
            return False
        windows = len(numbers) - PART + 1
        means = np.zeros(windows)  # no running sum: what is huge would swallow all that follows
        shares = numbers / PART
        for place in range(PART):
            means += shares[place : place + windows]
        signs = np.zeros(windows, np.uint16)
        for place in range(SIGNS):
            signs |= (numbers[place : place + windows] > means).astype(np.uint16) << place
        counts = self._counts[signs]
        for nth in range(int(counts.max())):
            at = np.flatnonzero(counts > nth)
            read = _unit(numbers[at[:, None] + np.arange(PART)])
            stored = self._parts[self._first[signs[at]] + nth]
            if (np.einsum("ij,ij->i", read, stored) > COSINE).any():
                return True
        return False


def bfloat16(vectors: NDArray[np.floating]) -> NDArray[np.uint16]:
    """The upper halves of float32, rounded half to even, as every framework writes bfloat16."""
    whole = np.ascontiguousarray(vectors, "<f4").view("<u4").astype(np.uint64)
    return ((whole + 0x7FFF + ((whole >> np.uint64(16)) & np.uint64(1))) >> np.uint64(16)).astype(
        np.uint16
    )


def _forms(vectors: NDArray[np.float32]) -> Iterator[NDArray[np.generic]]:
    for dtype in FLOATS:
        yield vectors.astype(dtype)
    halves = (np.ascontiguousarray(vectors, "<f4").view("<u4") >> 16).astype(np.uint16)
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-9)
    for shorts in (bfloat16(vectors), halves, *(_rounded(vectors, largest, 32767, np.int16))):
        yield shorts.astype(shorts.dtype.newbyteorder("<"))
        yield shorts.astype(shorts.dtype.newbyteorder(">"))
    yield from _rounded(vectors, largest, 127, np.int8)


def _rounded(
    vectors: NDArray[np.float32], largest: NDArray[np.float32], scale: int, dtype: type[np.generic]
) -> Iterator[NDArray[np.generic]]:
    """As integers: of the unit, and of the row's largest component."""
    yield np.round(vectors * scale).clip(-scale, scale).astype(dtype)
    yield np.round(vectors / largest * scale).astype(dtype)


def _windows(form: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Every window of whole components; zeros in a row are nobody's vector."""
    size = form.dtype.itemsize
    raw = np.frombuffer(form.tobytes(), np.uint8).reshape(len(form), -1)
    if raw.shape[1] < WINDOW_BYTES:
        return np.zeros(0, "<u8")
    windows = np.lib.stride_tricks.sliding_window_view(raw, WINDOW_BYTES, axis=1)[:, ::size]
    flat = np.ascontiguousarray(windows).reshape(-1, WINDOW_BYTES)
    changes = (np.diff(np.sort(flat, axis=1), axis=1) != 0).sum(axis=1)
    kept: NDArray[np.uint64] = np.ascontiguousarray(flat[changes >= 3]).view("<u8")[:, 0]
    return kept


def _parts(rows: Floats) -> Floats:
    if rows.shape[1] < PART:
        return np.zeros((0, PART))
    starts = np.unique(np.linspace(0, rows.shape[1] - PART, PARTS_OF_A_ROW).astype(int))
    parts = np.concatenate([rows[:, at : at + PART] for at in starts])
    # padding and one-hot rows have no shape of their own
    kept: Floats = parts[(np.abs(parts) > 1e-6).sum(axis=1) > PART // 2]
    return kept


def _signs(parts: Floats) -> NDArray[np.int64]:
    above = parts[:, :SIGNS] > parts.mean(axis=1, keepdims=True)
    signs: NDArray[np.int64] = (above.astype(np.int64) << np.arange(SIGNS)).sum(axis=1)
    return signs


def _unit(parts: Floats) -> Floats:
    centred = parts - parts.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: Floats = centred / np.where(lengths > 0, lengths, 1.0)
    return unit


def _read_as_any(layer: bytes) -> Iterator[tuple[str, Floats]]:
    for dtype in (*INTEGERS, *FLOATS):
        for offset in range(np.dtype(dtype).itemsize):
            yield dtype, _components(_array(layer, dtype, offset))
    for order in ("<", ">"):
        for offset in range(2):
            upper = _array(layer, f"{order}u2", offset).astype(np.uint32) << 16
            yield f"{order}bfloat16", _components(upper.view(np.float32))


def _array(layer: bytes, dtype: str, offset: int) -> NDArray[np.generic]:
    count = max(0, len(layer) - offset) // np.dtype(dtype).itemsize
    if not count:
        return np.zeros(0, dtype)
    return np.frombuffer(layer, dtype, count, offset)


def _components(read: NDArray[np.generic]) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        numbers = read.astype(np.float64)
    numbers[~(np.abs(numbers) < _HUGE)] = 0.0
    return numbers
