"""What a search yields: documents, each by its best chunk.

The rule of this file: what was found for one vector lies in columns, because whoever scores it
works on all of it at once; a single document is looked at by `candidates[n]`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One document near a query vector.

    `key` is the document's internal key (never sent to a partner); `score` is higher for nearer:
    the cosine, the inner product, or the negated squared Euclidean distance, by the envelope's
    similarity; `vector` (d,) float32 is the best chunk's vector as the collection's space has it,
    `chunk` that chunk's key.
    """

    key: int
    score: float
    vector: FloatArray
    chunk: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Candidates(Sequence[Candidate]):
    """m documents near one vector, best first.

    `keys` (m,) int64, `scores` (m,) float32, `vectors` (m, d) float32, `chunks` (m,) int64.
    """

    keys: npt.NDArray[np.int64]
    scores: FloatArray
    vectors: FloatArray
    chunks: npt.NDArray[np.int64]

    @classmethod
    def of(cls, found: Iterable[Candidate], dimension: int) -> "Candidates":
        """Return single documents as columns."""
        each = list(found)
        return cls(
            np.array([one.key for one in each], dtype=np.int64),
            np.array([one.score for one in each], dtype=np.float32),
            np.array([one.vector for one in each], dtype=np.float32).reshape(-1, dimension),
            np.array([one.chunk for one in each], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, at: int) -> Candidate: ...
    @overload
    def __getitem__(self, at: slice) -> "Candidates": ...
    def __getitem__(self, at: int | slice) -> "Candidate | Candidates":
        if isinstance(at, slice):
            return Candidates(self.keys[at], self.scores[at], self.vectors[at], self.chunks[at])
        key, score, chunk = int(self.keys[at]), float(self.scores[at]), int(self.chunks[at])
        return Candidate(key, score, self.vectors[at], chunk)
