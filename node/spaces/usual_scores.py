"""Which best scores are usual in a shared space, so that an unusually low one can be told.

The rule of this file: what is usual is measured on scores as they are told. Held-out anchor
questions of every known member are asked of the own view of the anchors, each through the asker's
best map in, and scored as the own documents are.
"""

from collections.abc import Callable, Sequence

import numpy as np

from adapters.affine import AffineMap
from adapters.confidence import TopScores, calibrate_top_scores
from adapters.errors import TooFewPairs
from adapters.map import Floats
from adapters.quality import HeldOut, known_item_values
from node.spaces.maps import Ground, Party, held_out, scored_by

Correct = Callable[[Floats, Floats], Floats]
"""Takes (n, m) cosines and the (m, d) documents in the shared space; returns what is told."""


def usual_scores(
    ground: Ground,
    responder: Party,
    askers: Sequence[Party],
    scoring: AffineMap,
    correct: Correct = lambda cosines, _documents: cosines,
) -> TopScores | None:
    """Return what is usual over all `askers`, None where too few anchors are held out to say.

    `scoring` is the responder's map in by which its documents are scored.
    """
    best = []
    for asker in askers:
        validation = ground.anchors.split.validation
        part = held_out(ground, validation, asker.embeddings, responder.embeddings)
        inside = scored_by(part, scoring)
        cosines = _asked(asker, inside) @ inside.target_documents.T
        best.append(correct(cosines, inside.target_documents).max(axis=1))
    try:
        return calibrate_top_scores(np.concatenate(best)[:, None])
    except TooFewPairs:
        return None


def _asked(asker: Party, inside: HeldOut) -> Floats:
    """The asker's questions in the shared space, by its map in that finds most there."""
    inward = max(
        asker.inward.values(), key=lambda each: float(known_item_values((each,), inside).mean())
    )
    return inward.apply(inside.source_questions)
