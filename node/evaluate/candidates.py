"""What each silo would give to each asker: candidates with their scores, before any merge.

Every silo searches its own part in its own model by the route that was chosen on anchors, and
scores what it found in the shared space, as a responder does. Where asker and silo have the same
model the search needs no map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adapters.corrected import corrected, hubness
from adapters.map import Floats, Map
from adapters.metrics import top_k
from adapters.quality import mapped
from adapters.scale import AS_TOLD, Scale
from node.evaluate.member import Member
from node.evaluate.routes import HUB, Ways
from node.spaces.correction import FittedCorrection, fit_correction
from node.spaces.direct import fit_back
from node.spaces.maps import Ground, Party
from node.spaces.pairs import choose_scoring, usual_in
from node.spaces.scales import fit_member_scales


@dataclass(frozen=True, eq=False)
class Candidates:
    """One silo's k nearest documents to each of n questions of one asker, nearest first.

    Attributes:
        rows: (n, k) row numbers in the whole data set.
        raw: (n, k) float32, the similarity in the silo's own model.
        scores: (n, k) float32, the cosine in the score space.
        corrected: (n, k) float32, the same as they are sent: corrected in the shared space.
        score_space: the shared space, or the asker's own where the way leaves that out.
        own: whether the silo is the asker's.
        scale: what the asker takes the corrected scores for before it merges.
    """

    rows: NDArray[np.int64]
    raw: Floats
    scores: Floats
    corrected: Floats
    score_space: str
    own: bool
    scale: Scale = AS_TOLD


@dataclass(frozen=True, eq=False)
class Scored:
    """Where one asker's questions and one responder's documents meet to be scored.

    `question` and `document` lead into `space`; None where the asker's vectors are there already.
    `correction` is what a responder corrects its scores in the shared space by, `scale` what
    the asker takes them for.
    """

    space: str
    question: Map | None
    document: Map
    correction: FittedCorrection | None
    scale: Scale = AS_TOLD


Scoring = dict[tuple[int, int], Scored]
"""By the numbers of asker and responder; both are one for silos of the asker's own model."""


def scoring_of(ground: Ground, parties: Sequence[Party], ways: Ways) -> Scoring:
    """Choose where scores are taken, by known items, as joining does."""
    found: Scoring = {}
    for b, responder in enumerate(parties):
        others = [each for each in parties if each is not responder]
        kind = choose_scoring(ground, responder, [responder, *others])
        pairs = [ways[b, c].pair.quality for c in range(len(parties)) if c != b]
        usual = usual_in(responder, pairs)
        correction = fit_correction(ground, responder, [responder, *others], kind, usual)
        document = responder.inward[kind]
        for a, asker in enumerate(parties):
            if a == b:
                question: Map | None = asker.inward[usual]
            elif ways[a, b].chosen.startswith(HUB):
                question = ways[a, b].chain[0]
            else:
                back = fit_back(ground, asker, responder)
                found[a, b] = Scored(asker.embeddings.space_id, None, back, None)
                continue
            found[a, b] = Scored(ground.hub, question, document, correction)
    for a in range(len(parties)):
        _scale(ground, parties, ways, found, a)
    return found


def _scale(
    ground: Ground, parties: Sequence[Party], ways: Ways, scoring: Scoring, asker: int
) -> None:
    """Fit one asker's scales, as joining does, and put them into its part of `scoring`."""
    own = scoring[asker, asker]
    if own.correction is None:
        return
    others = [each for each in range(len(parties)) if each != asker]
    order = [parties[asker], *(parties[each] for each in others)]
    pairs = [ways[way].pair.quality for each in others for way in ((asker, each), (each, asker))]
    kind = choose_scoring(ground, parties[asker], order)
    scales = fit_member_scales(ground, order, pairs, kind, own.correction)
    for each in others:
        where = scoring[asker, each]
        if where.correction is not None:
            meant = scales.get(parties[each].embeddings.space_id, AS_TOLD)
            scoring[asker, each] = replace(where, scale=meant)


def candidates_of(
    asker: int,
    home: int,
    silo_of: NDArray[np.int64],
    models: Sequence[int],
    members: Sequence[Member],
    ways: Ways,
    scoring: Scoring,
    k: int,
) -> list[Candidates]:
    """Return what each silo gives to the member number `asker`, whose own silo is `home`.

    `silo_of` (m,) is the silo of each document, `models` the number of each silo's member.
    """
    found = []
    for silo, model in enumerate(models):
        held = np.flatnonzero(silo_of == silo)
        member, questions = members[model], members[asker].questions
        chain = () if model == asker else ways[asker, model].chain
        searched = mapped(questions, chain)
        documents = member.searched[held]
        at = top_k(searched, documents, k)
        where = scoring[asker, model]
        asked = questions if where.question is None else where.question.apply(questions)
        told = where.document.apply(member.documents[held])
        cosines = _cosines(asked, told, at)
        found.append(
            Candidates(
                held[at],
                _cosines(searched, documents, at),
                cosines,
                _corrected(where, cosines, told, at),
                where.space,
                silo == home,
                where.scale,
            )
        )
    return found


def _corrected(where: Scored, cosines: Floats, documents: Floats, at: NDArray[np.int64]) -> Floats:
    """Correct cosines (n, k) with the mapped documents at (n, k), where the way allows it."""
    if where.correction is None:
        return cosines
    near = hubness(documents, where.correction.questions)[at]
    return corrected(cosines, near, where.correction.kept.offset)


def _cosines(questions: Floats, documents: Floats, at: NDArray[np.int64]) -> Floats:
    """Return the cosines (n, k) of n questions with the documents at (n, k)."""
    products = np.einsum("nd,nkd->nk", _unit(questions), _unit(documents)[at])
    return np.asarray(np.clip(products, -1.0, 1.0), dtype=np.float32)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)
