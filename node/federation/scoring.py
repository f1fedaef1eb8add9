"""Step 13: documents near a question's vectors, with scores that compare between silos.

Raw similarities of different models do not compare, so documents are found in the collection's own
space and then scored in the question's: by the cosine of the question's vector with the document's
vector mapped there, q.(Wd+b) / |q| |Wd+b|. Where both are one space that is the plain cosine. The
own node scores its own collections by the same code, as one more silo.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from adapters.rescore import rescore
from node.federation.disclose import Scored
from node.index.among import EVERYTHING, Among
from node.index.candidate import Candidate

if TYPE_CHECKING:
    from adapters.affine import AffineMap
    from node.collections.collection import Collection

FloatArray = NDArray[np.float32]

INLINE_COMPONENTS = 1 << 16
"""Up to so many vector components are scored on the event loop; more go to a thread."""


async def search_scored(
    collection: "Collection",
    searched: FloatArray,
    asked: FloatArray,
    k: int,
    visible: frozenset[str] | None,
    rescore_map: "AffineMap | None",
    among: Among = EVERYTHING,
) -> list[list[Scored]]:
    """Find and score the k nearest documents of each of n vectors, best first.

    `searched` (n, d) are the vectors in the collection's space, `asked` the same in the score
    space, into which `rescore_map` leads (None: the spaces are one). Only documents with one of the
    labels `visible` are found (None: all), and `among` these.
    """
    found = await collection.search(searched, k, visible, among)
    components = sum(map(len, found)) * searched.shape[1]
    if components <= INLINE_COMPONENTS:
        return score(asked, found, rescore_map)
    return await asyncio.to_thread(score, asked, found, rescore_map)


def score(
    queries: FloatArray, found: Sequence[Sequence[Candidate]], rescore_map: "AffineMap | None"
) -> list[list[Scored]]:
    """Score each row's candidates in the space of `queries` (n, d), best first.

    Equal scores keep the order in which the index gave them.
    """
    return [
        _score_row(query, candidates, rescore_map)
        for query, candidates in zip(queries, found, strict=True)
    ]


def _score_row(
    query: FloatArray, candidates: Sequence[Candidate], rescore_map: "AffineMap | None"
) -> list[Scored]:
    if not candidates:
        return []
    documents = np.stack([candidate.vector for candidate in candidates])
    unit = query / np.linalg.norm(query)
    cosines = (
        _plain(unit, documents) if rescore_map is None else rescore(rescore_map, unit, documents)
    )
    order = np.argsort(-cosines, kind="stable")
    return [Scored(candidates[at].key, float(cosines[at])) for at in order]


def _plain(unit: FloatArray, documents: FloatArray) -> FloatArray:
    """The cosines (m,) of a row of length 1 with documents (m, d); -1 for one without length."""
    lengths = np.linalg.norm(documents, axis=1)
    cosines = np.full(len(documents), -1.0, dtype=np.float32)
    np.divide(documents @ unit, lengths, out=cosines, where=lengths > 0)
    return np.asarray(np.clip(cosines, -1.0, 1.0))
