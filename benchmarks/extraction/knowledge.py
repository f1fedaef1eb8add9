"""What lies in the collection, and what a partner knows beforehand.

The rule of this file: the partner is strong. It runs the collection's own model, so its questions
need no map; it holds public texts of the same kind as the collection's, but none of its documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.one_node.synthetic import Shape, World

Floats = NDArray[np.float64]

DOCUMENTS, PUBLIC, PROBES = 0, 1, 100  # streams of the synthetic world
BLUR = 0.3
"""How far a question lies from what it asks about, beside a cluster's spread of 0.7."""


class Field(Protocol):
    """A collection and the partner's public texts, all rows of length 1."""

    documents: Floats
    public: Floats

    def probes(self, count: int, stream: int) -> Floats:
        """Fresh questions (count, d) of the collection's kind; other streams, other questions."""


class Synthetic:
    """Documents of the synthetic world of `benchmarks.one_node`."""

    def __init__(self, shape: Shape, public: int) -> None:
        self._world, self._width = World(shape), shape.dimension
        self.documents = self._seen(shape.documents, DOCUMENTS)
        self.public = self._seen(public, PUBLIC)

    def probes(self, count: int, stream: int) -> Floats:
        """Blurred points of the same clusters."""
        return self._seen(count, PROBES + stream)

    def _seen(self, count: int, stream: int) -> Floats:
        meanings = self._world.meanings(count, stream)
        return self._world.seen(meanings, self._width, stream).astype(np.float64)


@dataclass
class Encoded:
    """A data set of texts: half of its documents is the collection, the other half is public."""

    documents: Floats
    public: Floats
    questions: Floats

    @classmethod
    def read(cls, folder: Path, encoder: str, cache: Path, seed: int) -> Encoded:
        """Read a folder in BEIR's layout and encode it; an encoder as `benchmarks.adapters`.

        Encoded is all of it, in its own order, so that vectors kept in `cache` serve every seed.
        """
        from benchmarks.adapters.models import Model
        from node.evaluate.data_set import read

        data = read(folder)
        texts = list(data.documents.values())
        model = Model(encoder, texts, cache)
        rows, questions = (
            _whole(model.encode(each)) for each in (texts, [*data.questions.values()])
        )
        rows = np.random.default_rng(seed).permutation(rows)
        half = len(rows) // 2
        return cls(rows[:half], rows[half:], questions)

    def probes(self, count: int, stream: int) -> Floats:
        """The data set's questions, then public texts turned towards one another."""
        rng = np.random.default_rng([7, stream])
        if stream == 0:
            return self.questions[:count]
        pairs = rng.integers(len(self.public), size=(2, count))
        return unit(self.public[pairs[0]] + BLUR * self.public[pairs[1]])


@dataclass(frozen=True)
class Prior:
    """What public texts tell: their mean (d,), how texts vary and how near ones differ (d, d).

    `spread` and `near` are square roots of covariances: white noise times one of them varies so.
    """

    mean: Floats
    spread: Floats
    near: Floats

    @classmethod
    def of(cls, public: Floats) -> Prior:
        """Learn it from public texts (n, d)."""
        mean = public.mean(axis=0)
        similar = public @ public.T
        np.fill_diagonal(similar, -2.0)
        apart = public - public[similar.argmax(axis=1)]
        return cls(mean, _root(public - mean), _root(apart))


def unit(rows: Floats) -> Floats:
    """Scale rows (n, d), or one (d,), to length 1."""
    lengths: Floats = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.maximum(lengths, 1e-12)


def _root(rows: Floats) -> Floats:
    """A square root of the rows' second moments, shrunk towards what every direction shares."""
    moments = rows.T @ rows / len(rows)
    moments = 0.95 * moments + 0.05 * np.trace(moments) / len(moments) * np.eye(len(moments))
    return np.asarray(np.linalg.cholesky(moments).T)


def _whole(rows: NDArray[np.float32]) -> Floats:
    """Rows that the encoder made something of."""
    return np.asarray(rows[np.linalg.norm(rows, axis=1) > 0.5], dtype=np.float64)
