"""Nearness in each kind of space; a score is always higher for nearer.

cosine  q.v / (|q| |v|)
dot     q.v
l2      -|q - v|^2, written 2 q.v - |q|^2 - |v|^2 so that it is one matrix product
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from protocol.envelope import Envelope

FloatArray = npt.NDArray[np.float32]

_LEAST = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True)
class Nearness:
    """What scoring needs to know of a space."""

    similarity: Literal["cosine", "dot", "l2"]
    unit: bool  # every stored vector has length 1
    dimension: int

    @classmethod
    def of(cls, envelope: Envelope) -> "Nearness":
        """Take it from the envelope."""
        return cls(envelope.similarity, envelope.normalisation == "l2", envelope.dimension)

    @property
    def graph_space(self) -> Literal["ip", "l2"]:
        """Metric of the graph; cosine is the inner product of unit vectors."""
        return "l2" if self.similarity == "l2" else "ip"

    def norms(self, vectors: FloatArray) -> FloatArray | None:
        """Lengths (n,) of `vectors` (n, d) where scores need them, else None."""
        if self.similarity == "dot" or (self.similarity == "cosine" and self.unit):
            return None
        norms: FloatArray = np.linalg.norm(vectors, axis=1).astype(np.float32)
        return norms

    def graph_form(self, vectors: FloatArray) -> FloatArray:
        """Stored vectors (n, d) as the graph takes them."""
        return vectors if self.similarity != "cosine" or self.unit else _unit(vectors)

    def query_form(self, queries: FloatArray) -> FloatArray:
        """Queries (n, d) as `scores` and the graph take them."""
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        return _unit(queries) if self.similarity == "cosine" else queries

    def scores(
        self, queries: FloatArray, vectors: FloatArray, norms: FloatArray | None
    ) -> FloatArray:
        """Score queries (q, d) in query form with stored vectors (n, d): (q, n) float32."""
        dots: FloatArray = queries @ vectors.T
        if self.similarity == "l2" and norms is not None:
            squares = np.einsum("ij,ij->i", queries, queries)
            distances: FloatArray = squares[:, None] - 2 * dots + (norms * norms)[None, :]
            return -distances
        return dots if norms is None else dots / norms[None, :]

    def from_distances(self, distances: FloatArray) -> FloatArray:
        """Turn the graph's distances (1 - q.v, or |q - v|^2) into scores."""
        return -distances if self.similarity == "l2" else 1 - distances


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    unit: FloatArray = vectors / np.maximum(lengths, _LEAST)
    return unit
