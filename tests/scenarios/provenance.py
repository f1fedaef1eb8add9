"""Who made each vector: noted where it is made, asked where indexes and scores take it.

The rule of this file: no name that the node gives to vectors is believed. A vector is known by its
bytes, and belongs to the space of the model that encoded it, or to the target of the map that made
it; what comes to a search or a score by any other way has no known space, and counts as foreign.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from adapters.affine import AffineMap
from adapters.mixture import MixtureMap
from node.collections.index_keeper import IndexKeeper
from node.encoders.encoder import Encoder
from node.federation import scoring
from node.index.candidate import Candidates

SAME = 0.99999
"""Cosine of a vector with itself after it was brought to length 1 and rounded."""


class Provenance:
    """The spaces of all vectors that were made, and `foreign`: what was taken in another's place.

    `searches` and `scores` count what was looked at, so that nobody takes silence for a proof.
    """

    def __init__(self) -> None:
        self.foreign: list[str] = []
        self.searches = self.scores = 0
        self._spaces: dict[bytes, set[str]] = defaultdict(set)
        self._made: dict[int, list[Any]] = defaultdict(list)  # by their width

    def note(self, rows: Any, space: str) -> None:
        """Rows (n, d) were made in a space."""
        for row in np.asarray(rows, dtype=np.float32):
            if row.tobytes() not in self._spaces:
                self._made[len(row)].append(row)
            self._spaces[row.tobytes()].add(space)

    def require(self, rows: Any, space: str, where: str) -> None:
        """Rows are taken for vectors of a space."""
        for row in np.asarray(rows, dtype=np.float32):
            made = self._of(row)
            if space not in made:
                self.foreign.append(f"{where} of {space}: a vector of {sorted(made) or 'nobody'}")

    def of(self, row: Any) -> str:
        """The one space of a vector; empty where it has none, or several."""
        made = self._of(np.asarray(row, dtype=np.float32))
        return next(iter(made)) if len(made) == 1 else ""

    def _of(self, row: Any) -> set[str]:
        """By its bytes; and of what was brought to length 1 on the way, by its direction."""
        if row.tobytes() not in self._spaces:
            self._spaces[row.tobytes()] = {
                space
                for one in _alike(self._made[len(row)], row)
                for space in self._spaces[one.tobytes()]
            }
        return self._spaces[row.tobytes()]


def _alike(made: Sequence[Any], row: Any) -> list[Any]:
    """Those whose direction is that of a row."""
    if not made:
        return []
    rows = np.asarray(made)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows) * (row @ row))
    return [made[int(at)] for at in np.flatnonzero(rows @ row > SAME * np.maximum(lengths, 1e-12))]


def watch_vectors(patch: pytest.MonkeyPatch) -> Provenance:
    """Note and ask from now on, in every node of this process."""
    found = Provenance()
    encode, search, score = Encoder.encode, IndexKeeper.search, scoring.score

    async def encoded(self: Encoder, texts: Sequence[str], role: Any) -> Any:
        rows = await encode(self, texts, role)
        found.note(rows, self.envelope.space_id)
        return rows

    async def searched(self: IndexKeeper, queries: Any, *how: Any) -> Any:
        found.searches += len(queries)
        found.require(queries, self._row.space_id, "search")
        return await search(self, queries, *how)

    def scored(
        queries: Any, candidates: Sequence[Candidates], how: scoring.Scoring, scalars: Any
    ) -> Any:
        for query, each in zip(queries, candidates, strict=True):
            found.scores += len(each)
            into = how.rescore_map
            at = found.of(query) if into is None else into.target
            found.require(query[None], at, "score")
            found.require(each.vectors, at if into is None else into.source, "score")
        return score(queries, candidates, how, scalars)

    patch.setattr(Encoder, "encode", encoded)
    patch.setattr(IndexKeeper, "search", searched)
    patch.setattr(scoring, "score", scored)
    for kind in (AffineMap, MixtureMap):
        patch.setattr(kind, "apply", _noting(kind.apply, found))
    return found


def _noting(apply: Any, found: Provenance) -> Any:
    def noted(self: Any, vectors: Any) -> Any:
        rows = apply(self, vectors)
        found.note(rows, self.target)
        return rows

    return noted
