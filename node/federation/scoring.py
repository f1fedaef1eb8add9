"""Step 13: documents near a question's vectors, with scores that compare between silos.

Raw similarities of different models do not compare, so documents are found in the collection's own
space and then scored in the question's: by the cosine of the question's vector with the document's
vector mapped there, q.(Wd+b) / |q| |Wd+b|, corrected where both sides have agreed on anchors
(`adapters/corrected.py`). Where both are one space the score is the plain cosine. The own node
scores its own collections by the same code, as one more silo.

A floor is compared with the cosine, corrected or not: it says how near a document must lie.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from adapters.corrected import Correction, Scalars, Yardstick, corrected
from adapters.rescore import rescore
from node.federation.disclose import Ranking
from node.index.among import EVERYTHING, Among
from node.index.candidate import Candidates
from node.index.located import Located

if TYPE_CHECKING:
    from adapters.map import Map
    from node.collections.version import Version

FloatArray = NDArray[np.float32]

INLINE_COMPONENTS = 1 << 16
"""Up to so many vector components are scored on the event loop; more go to a thread."""


ScalarsOf = Callable[[Yardstick, Candidates], Scalars]
"""What scoring needs of candidates by a yardstick, kept or computed now."""


@dataclass(frozen=True)
class Scoring:
    """How found documents are scored.

    `rescore_map` leads from the collection's space into the score space (None: they are one). With
    a `correction` scores are corrected, else they are cosines. `back` is a bridge's map that
    documents go through before all that, None without one.
    """

    rescore_map: "Map | None" = None
    correction: Correction | None = None
    back: "Map | None" = None


async def search_scored(
    version: "Version",
    searched: Located,
    asked: FloatArray,
    k: int,
    visible: frozenset[str] | None,
    scoring: Scoring,
    among: Among = EVERYTHING,
) -> list[Ranking]:
    """Find and score the k nearest documents of each of n vectors, best first.

    `searched` are the vectors in the version's space, `asked` (n, d) the same in the score space.
    Only documents with one of the labels `visible` are found (None: all), and `among` these.
    """
    found = await version.search(searched, k, visible, among)
    if asked is searched.vectors and scoring.rescore_map is None and version.finds_cosines:
        return _as_found(found)
    components = sum(map(len, found)) * searched.vectors.shape[1]
    correction = scoring.correction
    prepared = correction is None or version.prepared(correction.yardstick)
    if prepared and components <= INLINE_COMPONENTS:
        return score(asked, found, scoring, version.scalars)
    return await asyncio.to_thread(score, asked, found, scoring, version.scalars)


def score(
    queries: FloatArray,
    found: Sequence[Candidates],
    scoring: Scoring,
    scalars_of: ScalarsOf,
) -> list[Ranking]:
    """Score each row's candidates in the space of `queries` (n, d), best first.

    Equal scores keep the order in which the index gave them.
    """
    return [
        _score_row(query, candidates, scoring, scalars_of)
        for query, candidates in zip(queries, found, strict=True)
    ]


def _as_found(found: Sequence[Candidates]) -> list[Ranking]:
    """Rows whose candidates were found by the very cosines that score them."""
    if len(found) == 1:
        alone = np.minimum(np.maximum(found[0].scores, -1.0), 1.0).tolist()
        return [Ranking(found[0].keys.tolist(), alone, alone)]
    scores = np.concatenate([each.scores for each in found])
    cosines: list[float] = np.minimum(np.maximum(scores, -1.0), 1.0).tolist()
    keys: list[int] = np.concatenate([each.keys for each in found]).tolist()
    ends = list(accumulate(map(len, found)))
    rows = zip([0, *ends], ends, strict=False)
    return [Ranking(keys[at:end], cosines[at:end], cosines[at:end]) for at, end in rows]


def _score_row(
    query: FloatArray, candidates: Candidates, scoring: Scoring, scalars_of: ScalarsOf
) -> Ranking:
    if not candidates:
        return Ranking([], [], [])
    documents = candidates.vectors
    if scoring.back is not None:
        documents = scoring.back.apply(documents)
    unit = query / np.sqrt(query @ query)
    if scoring.rescore_map is None:
        cosines = scores = _plain(unit, documents)
    elif scoring.correction is None:
        cosines = scores = rescore(scoring.rescore_map, unit, documents)
    else:
        scalars = scalars_of(scoring.correction.yardstick, candidates)
        cosines = rescore(scoring.rescore_map, unit, documents, scalars.lengths)
        scores = corrected(cosines, scalars.hubness, scoring.correction.offset)
    order = (-scores).argsort(kind="stable")
    ordered = cosines[order].tolist()
    return Ranking(
        candidates.keys[order].tolist(),
        ordered if scores is cosines else scores[order].tolist(),
        ordered,
    )


def _plain(unit: FloatArray, documents: FloatArray) -> FloatArray:
    """The cosines (m,) of a row of length 1 with documents (m, d); -1 for one without length."""
    lengths = np.sqrt(np.einsum("ij,ij->i", documents, documents))
    cosines = np.full(len(documents), -1.0, dtype=np.float32)
    np.divide(documents @ unit, lengths, out=cosines, where=lengths > 0)
    return np.asarray(np.minimum(np.maximum(cosines, -1.0), 1.0))
