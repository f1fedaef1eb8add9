"""What a search yields: documents, each by its best chunk."""

from dataclasses import dataclass

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
