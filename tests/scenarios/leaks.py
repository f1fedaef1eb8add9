"""What must not be in bytes that cross: texts, ids, internal keys and stored vectors.

Layers are looked through: what is base64 (any of its alignments, either alphabet), base32, hex or
text in UTF-16 or UTF-32 is decoded, twice, since a leaf is base64 and may hold more of it. Then in
every layer:

- text: five words in a row of a document, unless they are the question's own
- id: an external id
- key: an internal key in decimal, hex or as eight bytes of either order
- vector: a few components in a row of a stored vector in any dtype, or some more of them scaled,
  shifted or rounded (`leaked_vectors`), or four components in a row as decimals
- field: anything beside reference and bin in a hit
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tests.scenarios.leaked_vectors import StoredVectors

SHINGLE = 5
DECIMALS_IN_A_ROW = 4
DEPTH = 2
BYTE_ORDERS: tuple[Literal["big", "little"], ...] = ("big", "little")

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_BASE32 = re.compile(rb"[A-Z2-7]{24,}|[a-z2-7]{24,}")
_WIDE = re.compile(rb"(?:[\x20-\x7e]\x00{1,3}){8,}|(?:\x00{1,3}[\x20-\x7e]){8,}")
_HEX = re.compile(rb"[0-9a-fA-F]{24,}")
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_ESCAPED = re.compile(r"\\[ntr]|\\u00[0-9a-f]{2}")
_WORD = re.compile(r"[a-z0-9]+")
_DECIMAL = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_HIT = re.compile(r'\{"[^{}]*"ref"[^{}]*\}|\{"ref"[^{}]*\}')


@dataclass(frozen=True, eq=False)
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
    needles = _needles(private)
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
    for run in _BASE32.findall(data):
        for offset in range(8):
            part = run[offset:].upper()
            yield base64.b32decode(part[: len(part) // 8 * 8])
    for run in _WIDE.findall(data):
        yield run.replace(b"\x00", b"")


class _Needles:
    """What is looked for, prepared once."""

    def __init__(self, private: Private) -> None:
        own = {shingle for text in private.asked for shingle in shingles(text)}
        self._shingles = {s for text in private.texts for s in shingles(text)} - own
        self._ids = tuple(one for one in private.ids if len(one) >= 8 and "." in one)
        self._keys = tuple(form for key in private.keys for form in _key_forms(key))
        self._vectors = StoredVectors(private.vectors)
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
            yield from (("vector", how) for how in self._vectors.found_in(layer, text))
            if self._decimals & set(_decimals(text)):
                yield "vector", "decimals in a row"
            yield from (("field", hit) for hit in _HIT.findall(text) if not _is_bare(hit))


_needles = lru_cache(maxsize=4)(_Needles)


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
