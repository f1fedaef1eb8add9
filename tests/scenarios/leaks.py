"""What must not be in bytes that cross: texts, ids, internal keys and stored vectors.

Layers are looked through: what is base64 (any of its alignments, either alphabet) or hex is
decoded, twice, since a leaf is base64 and may hold more of it. Then in every layer:

- text: five words in a row of a document, unless they are the question's own
- id: an external id
- key: an internal key in decimal, hex or as eight bytes of either order
- vector: sixteen bytes in a row of a stored vector as float32 (either order), float16 or int8, or
  four components in a row as decimals
- field: anything beside reference and bin in a hit
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SHINGLE = 5
WINDOW_BYTES = 16
DECIMALS_IN_A_ROW = 4
DEPTH = 2
BYTE_ORDERS: tuple[Literal["big", "little"], ...] = ("big", "little")

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_HEX = re.compile(rb"[0-9a-fA-F]{24,}")
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_ESCAPED = re.compile(r"\\[ntr]|\\u00[0-9a-f]{2}")
_WORD = re.compile(r"[a-z0-9]+")
_DECIMAL = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_HIT = re.compile(r'\{"[^{}]*"ref"[^{}]*\}|\{"ref"[^{}]*\}')


@dataclass(frozen=True)
class Private:
    """What one side holds and must not send. `asked` are questions: their words may cross."""

    texts: tuple[str, ...]
    ids: tuple[str, ...]
    keys: tuple[int, ...]
    vectors: NDArray[np.float32]
    asked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leak:
    """One thing that crossed: of which kind, in whose bytes."""

    kind: str
    where: str
    what: str


def find(crossed: Mapping[str, bytes], private: Private) -> list[Leak]:
    """Everything private in the bytes that crossed, by the name of the stream."""
    needles = _Needles(private)
    return [
        Leak(kind, where, what)
        for where, data in crossed.items()
        for kind, what in needles.found_in(list(layers(data)))
    ]


def layers(data: bytes, depth: int = DEPTH) -> Iterator[bytes]:
    """The bytes themselves, and what they are when base64 or hex in them is decoded."""
    yield data
    if depth == 0:
        return
    decoded = b"\n".join(_decoded(data))
    if decoded:
        yield from layers(decoded, depth - 1)


def _decoded(data: bytes) -> Iterator[bytes]:
    for run in _BASE64.findall(data):
        plain = run.translate(_URLSAFE)
        for offset in range(4):
            part = plain[offset:]
            part = part[:-1] if len(part) % 4 == 1 else part
            yield base64.b64decode(part + b"=" * (-len(part) % 4))
    for run in _HEX.findall(data):
        for offset in range(2):
            part = run[offset:]
            yield bytes.fromhex(part[: len(part) // 2 * 2].decode())


class _Needles:
    """What is looked for, prepared once."""

    def __init__(self, private: Private) -> None:
        own = {shingle for text in private.asked for shingle in shingles(text)}
        self._shingles = {s for text in private.texts for s in shingles(text)} - own
        self._ids = tuple(one for one in private.ids if len(one) >= 8 and "." in one)
        self._keys = tuple(form for key in private.keys for form in _key_forms(key))
        self._windows = np.sort(_hashes(_windows(private.vectors)))
        self._decimals = {
            tuple(row[at : at + DECIMALS_IN_A_ROW].tolist())
            for row in np.round(private.vectors.astype(np.float64), 3)
            for at in range(len(row) - DECIMALS_IN_A_ROW + 1)
            if np.count_nonzero(row[at : at + DECIMALS_IN_A_ROW]) >= 3
        }

    def found_in(self, looked_through: Iterable[bytes]) -> Iterator[tuple[str, str]]:
        for layer in looked_through:
            text = _ESCAPED.sub(" ", layer.decode("utf-8", "ignore"))
            yield from (("text", " ".join(s)) for s in self._shingles & set(shingles(text)))
            yield from (("id", one) for one in self._ids if one in text)
            yield from (("key", form.hex()) for form in self._keys if form in layer)
            if self._holds_window(layer):
                yield "vector", "sixteen bytes in a row"
            if self._decimals & set(_decimals(text)):
                yield "vector", "decimals in a row"
            yield from (("field", hit) for hit in _HIT.findall(text) if not _is_bare(hit))

    def _holds_window(self, layer: bytes) -> bool:
        hashes = _rolling_hashes(layer)
        if not len(self._windows):
            return False
        places = np.searchsorted(self._windows, hashes).clip(max=len(self._windows) - 1)
        return bool((self._windows[places] == hashes).any())


def shingles(text: str) -> Iterator[tuple[str, ...]]:
    """Five words in a row, where at least three of them are words and not numbers or letters."""
    words = _WORD.findall(text.lower())
    for at in range(len(words) - SHINGLE + 1):
        found = tuple(words[at : at + SHINGLE])
        if sum(len(word) > 2 and word.isalpha() for word in found) >= 3:
            yield found


def _key_forms(key: int) -> Iterator[bytes]:
    """An internal key as it might be written; small ones are like any number and left out."""
    if key < 10**9:
        return
    yield str(key).encode()
    for order in BYTE_ORDERS:
        eight = key.to_bytes(8, order)
        yield eight
        yield eight.hex().encode()


def _windows(vectors: NDArray[np.float32]) -> Iterator[bytes]:
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-9)
    for written in (
        vectors.astype("<f4"),
        vectors.astype(">f4"),
        vectors.astype("<f2"),
        np.round(vectors * 127).astype("i1"),
        np.round(vectors / largest * 127).astype("i1"),
    ):
        size = written.dtype.itemsize
        for row in written:
            raw = row.tobytes()
            for at in range(0, len(raw) - WINDOW_BYTES + 1, size):
                window = raw[at : at + WINDOW_BYTES]
                if len(set(window)) > 5:  # zeros in a row are nobody's vector
                    yield window


def _hashes(windows: Iterable[bytes]) -> NDArray[np.uint64]:
    halves = np.frombuffer(b"".join(windows), dtype="<u8").reshape(-1, 2)
    return _mixed(halves[:, 0], halves[:, 1])


def _rolling_hashes(data: bytes) -> NDArray[np.uint64]:
    """The hash of the sixteen bytes at every position."""
    if len(data) < WINDOW_BYTES:
        return np.zeros(0, dtype=np.uint64)
    parts = []
    for offset in range(8):
        count = (len(data) - offset) // 8
        words = np.frombuffer(data, dtype="<u8", offset=offset, count=count)
        parts.append(_mixed(words[:-1], words[1:]))
    return np.concatenate(parts)


def _mixed(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed: NDArray[np.uint64] = one * np.uint64(0x9E3779B97F4A7C15) ^ other
    return mixed


def _decimals(text: str) -> Iterator[tuple[float, ...]]:
    numbers = [round(float(number), 3) for number in _DECIMAL.findall(text)]
    for at in range(len(numbers) - DECIMALS_IN_A_ROW + 1):
        yield tuple(numbers[at : at + DECIMALS_IN_A_ROW])


def _is_bare(hit: str) -> bool:
    try:
        fields = json.loads(hit)
    except ValueError:
        return True  # decoded noise, or no hit
    return set(fields) <= {"ref", "bin"}
