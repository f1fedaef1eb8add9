"""What silos gave to past questions of one space, as arrays: what an expectation is read from.

Rule of this file: it is all in memory; what is kept on disk is in node/federation/past_answers.py,
which is read and deleted where numpy is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from node.federation.choice import Expected, Silo
from node.federation.likely import LEAST, expected_shares


@dataclass(frozen=True, eq=False)
class PastQuestion:
    """One vector (d,) that was asked, when, and what each silo that answered gave (0 to 1)."""

    vector: NDArray[np.float32]
    at: int
    gave: Mapping[Silo, float]

    @classmethod
    def kept(cls, raw: bytes, at: int, gave: Mapping[Silo, float]) -> PastQuestion:
        """Return the question of a row; `raw` is little-endian float32."""
        return cls(np.frombuffer(raw, dtype="<f4"), at, gave)


@dataclass
class PastVectors:
    """The newest questions of one space, in a ring of arrays (n, d) that grows with them."""

    vectors: NDArray[np.float32]
    at: NDArray[np.int64]
    shares: dict[Silo, NDArray[np.float32]] = field(default_factory=dict)
    added: int = 0

    @classmethod
    def of_size(cls, kept: int, dimension: int) -> PastVectors:
        """Return an empty ring of `kept` places."""
        empty = np.zeros((kept, dimension), dtype=np.float32)
        return cls(empty, np.zeros(kept, dtype=np.int64))

    def add(self, question: PastQuestion) -> None:
        """Put a question where the oldest one was."""
        kept = len(self.at)
        slot = self.added % kept
        self.added += 1
        self.vectors[slot], self.at[slot] = question.vector, question.at
        for row in self.shares.values():
            row[slot] = np.nan
        for silo, share in question.gave.items():
            row = self.shares.setdefault(silo, np.full(kept, np.nan, dtype=np.float32))
            row[slot] = share

    def expected(self, vectors: NDArray[np.float32], since: int) -> dict[Silo, Expected]:
        """Return what silos should give to vectors (n, d), by the questions asked since then."""
        rows = np.flatnonzero(self.at[: min(self.added, len(self.at))] >= since)
        if len(rows) < LEAST or not self.shares:
            return {}
        silos = list(self.shares)
        shares = np.stack([self.shares[silo][rows] for silo in silos], axis=1)
        found = expected_shares(vectors, self.vectors[rows], shares)
        answers = (~np.isnan(shares)).sum(axis=0)
        return {
            silo: Expected(float(share), int(number))
            for silo, share, number in zip(silos, found, answers, strict=True)
            if not np.isnan(share)
        }
