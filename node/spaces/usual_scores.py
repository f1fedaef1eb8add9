"""Which best scores are usual where questions are answered, so that low ones can be told.

The rule of this file: what is usual is measured on scores as they are told. Held-out anchor
questions of every known member are asked of the own view of the anchors, each through the asker's
best map in, and scored as the own documents are. What is usual in the own space is measured the
same way, without maps: partners with the same model are told as much.
"""

from collections.abc import Callable, Sequence

import numpy as np

from adapters.affine import AffineMap
from adapters.confidence import TopScores, calibrate_top_scores
from adapters.errors import TooFewPairs
from adapters.map import Floats
from adapters.quality import HeldOut, known_item_values
from node.spaces.embedding_file import AnchorEmbeddings
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


def usual_natively(ground: Ground, own: AnchorEmbeddings) -> TopScores | None:
    """Return what is usual for questions in the own space, as cosines; None as above."""
    part = held_out(ground, ground.anchors.split.validation, own, own)
    questions, documents = _unit(part.source_questions), _unit(part.source_documents)
    try:
        return calibrate_top_scores((questions @ documents.T).max(axis=1)[:, None])
    except TooFewPairs:
        return None


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


def _asked(asker: Party, inside: HeldOut) -> Floats:
    """The asker's questions in the shared space, by its map in that finds most there."""
    inward = max(
        asker.inward.values(), key=lambda each: float(known_item_values((each,), inside).mean())
    )
    return inward.apply(inside.source_questions)
