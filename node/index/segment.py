"""Rows that are searched together: their keys, documents, labels and vectors; never written to."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from node.index.similarity import FloatArray, Nearness

IntArray = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_FEW = 64  # rows
_BLOCK = 8_192  # rows scored at once: 12 MB of 384-wide vectors


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """n rows, one chunk each, ordered by chunk key.

    `keys` (n,) int64, `documents` (n,) int64 document keys, `label_sets` (n,) int32,
    `vectors` (n, d) float32 as the space has them, `norms` (n,) float32 where scores need them.
    """

    keys: IntArray
    documents: IntArray
    label_sets: npt.NDArray[np.int32]
    vectors: FloatArray
    norms: FloatArray | None

    def __len__(self) -> int:
        return len(self.keys)

    def only(self, mask: Mask) -> "Segment":
        """Return a segment of the rows where `mask` (n,) holds."""
        return Segment(
            self.keys[mask],
            self.documents[mask],
            self.label_sets[mask],
            self.vectors[mask],
            None if self.norms is None else self.norms[mask],
        )

    def exact(
        self, nearness: Nearness, queries: FloatArray, mask: Mask | None, k: int
    ) -> Iterator[tuple[int, IntArray, FloatArray]]:
        """Score every row (where `mask` holds) with every query (q, d) in query form.

        Yields (query number, rows, scores): per query and block the best rows of the best k
        documents, so that the best k documents of all are among what is yielded.
        """
        rows = np.arange(len(self)) if mask is None else np.flatnonzero(mask)
        for first in range(0, len(rows), _BLOCK):
            some = rows[first : first + _BLOCK]
            part: slice | IntArray = slice(first, first + len(some)) if mask is None else some
            norms = None if self.norms is None else self.norms[part]
            scores = nearness.scores(queries, self.vectors[part], norms)
            documents = self.documents[part]
            for query, row in enumerate(scores):
                best = top_documents(row, documents, k)
                yield query, some[best], row[best]


def join(segments: list[Segment]) -> Segment:
    """Return one segment with the rows of all, in order."""
    if len(segments) == 1:
        return segments[0]
    norms = [segment.norms for segment in segments if segment.norms is not None]
    return Segment(
        np.concatenate([segment.keys for segment in segments]),
        np.concatenate([segment.documents for segment in segments]),
        np.concatenate([segment.label_sets for segment in segments]),
        np.concatenate([segment.vectors for segment in segments]),
        np.concatenate(norms) if norms else None,
    )


def top_documents(scores: FloatArray, documents: IntArray, k: int) -> IntArray:
    """Return the positions of the best rows of the k best documents, best first.

    `scores` and `documents` are (m,). Equal scores are ordered by document key, so that the result
    does not depend on where a row happens to lie.
    """
    size = len(scores)
    if size <= _FEW:
        return _top_of_few(scores.tolist(), documents.tolist(), k)
    wanted = min(size, 4 * k)
    while True:
        near = np.arange(size)
        if wanted < size:
            # everything not below the wanted-th score, so that ties are cut by document key
            least = np.partition(scores, size - wanted)[size - wanted]
            near = np.flatnonzero(scores >= least)
        near = near[np.lexsort((documents[near], -scores[near]))]
        _, first = np.unique(documents[near], return_index=True)
        if len(first) >= k or len(near) == size:
            return near[np.sort(first)[:k]]
        wanted = min(size, wanted * 4)


def _top_of_few(scores: list[float], documents: list[int], k: int) -> IntArray:
    """Do the same without numpy, whose calls cost more than the work on a few rows."""
    best: dict[int, int] = {}
    for at in sorted(range(len(scores)), key=lambda at: (-scores[at], documents[at])):
        best.setdefault(documents[at], at)
        if len(best) == k:
            break
    return np.array(list(best.values()), dtype=np.int64)
