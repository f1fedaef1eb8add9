"""One asker's scales in a shared space: by responder's space, fitted at joining.

The rule of this file: every member is scored as it scores itself, by its own view of the anchor
questions and its own offset, as far as they can be computed again from its pinned embeddings.
"""

from collections.abc import Sequence

import numpy as np

from adapters.map import Floats
from adapters.scale import Scale, fit_scales
from node.spaces.correction import FittedCorrection, fit_correction
from node.spaces.maps import Ground, Party, Rows
from node.spaces.pairs import PairQuality, choose_scoring, usual_in

MAX_QUESTIONS = 300
MAX_DOCUMENTS = 1500


def fit_member_scales(
    ground: Ground,
    parties: Sequence[Party],
    pairs: Sequence[PairQuality],
    scoring: str,
    correction: FittedCorrection,
) -> dict[str, Scale]:
    """Return what the first party takes each other's scores for, by space; its own stay.

    `scoring` and `correction` are its own. Empty where no other member is known, or no held-out
    anchor is embedded by all.
    """
    me, others = parties[0], parties[1:]
    asked, documents = _rows(ground, parties)
    if not others or not len(asked):
        return {}
    usual = usual_in(me, pairs)
    scores = [_scores(me, usual, me, scoring, correction, asked, documents)]
    for other in others:
        kind = choose_scoring(ground, other, parties)
        own = fit_correction(ground, other, parties, kind, usual_in(other, pairs))
        pair = _pair(pairs, me, other)
        in_kind = usual if pair is None else pair.in_kind
        scores.append(_scores(me, in_kind, other, kind, own, asked, documents))
    scales = fit_scales(scores)
    return {
        other.embeddings.space_id: scale for other, scale in zip(others, scales[1:], strict=True)
    }


def _rows(ground: Ground, parties: Sequence[Party]) -> tuple[Rows, Rows]:
    """Held-out anchors that all members embed, and these with further documents."""
    usable = np.logical_and.reduce([each.embeddings.usable for each in parties])
    validation, fit = ground.anchors.split.validation, ground.positions.rows
    asked = validation[usable[validation]][:MAX_QUESTIONS]
    return asked, np.concatenate([asked, fit[usable[fit]]])[:MAX_DOCUMENTS]


def _scores(
    asker: Party,
    in_kind: str,
    responder: Party,
    scoring: str,
    correction: FittedCorrection,
    asked: Rows,
    documents: Rows,
) -> Floats:
    questions = asker.inward[in_kind].apply(asker.embeddings.query[asked])
    mapped = responder.inward[scoring].apply(responder.embeddings.document[documents])
    return correction.correct(questions @ mapped.T, mapped)


def _pair(pairs: Sequence[PairQuality], asker: Party, responder: Party) -> PairQuality | None:
    wanted = asker.embeddings.space_id, responder.embeddings.space_id
    return next((p for p in pairs if (p.asker_space, p.responder_space) == wanted), None)
