"""All maps between two models beside each other, measured on anchors that no fit has seen.

The rule of this file: known items order the kinds, on the validation part; what is shown beside
that comes from the test part. Baselines and natives always stand beside the maps, because a figure
alone flatters.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adapters.choose import candidates
from adapters.errors import TooFewPairs
from adapters.identity import fit_mean
from adapters.learning import LearningCurve, learning_curve
from adapters.map import Chain, Floats
from adapters.metrics import estimate, overlap, top_k
from adapters.quality import HeldOut, known_item_values, mapped, route_values
from node.evaluate.compared import Comparison, Curve, MapFigures, PairComparison, Picture, Point
from node.evaluate.routes import DIRECT, HUB, NOTHING, Way, way_between
from node.spaces.anchor_set import AnchorSet
from node.spaces.create import create_space
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.maps import Ground, Party, fit_inward, fit_outward, held_out
from node.spaces.report import FigureRow, figure_row

MEAN = "mean"
MOST_POINTS = 300
"""Anchors in a picture at most; more only blacken it."""


def compare_files(anchors: AnchorSet, one: AnchorEmbeddings, other: AnchorEmbeddings) -> Comparison:
    """Compare two members in both directions, as a shared space of the two would have them.

    Raises:
        EmbeddingsRefused: the embeddings are of other anchors, or degenerate.
    """
    manifest, positions = create_space("comparison", one.organisation, anchors, [one, other], 1, 0)
    ground = Ground(manifest, anchors, positions)
    return compare(ground, one, [other])


def compare(
    ground: Ground, own: AnchorEmbeddings, others: Sequence[AnchorEmbeddings]
) -> Comparison:
    """Compare one member of a shared space with each of the others, in both directions."""
    began = time.perf_counter()
    inward = [(each, fit_inward(ground, each)) for each in (own, *others)]
    parties = [
        Party(each, maps, fit_outward(ground, each, [a for a in inward if a[0] is not each]))
        for each, maps in inward
    ]
    seconds = time.perf_counter() - began
    me = parties[0]
    pairs = [pair for other in parties[1:] for pair in ((me, other), (other, me))]
    return Comparison(pairs=tuple(_pair(ground, a, b, seconds) for a, b in pairs))


def _pair(ground: Ground, asker: Party, responder: Party, hub_s: float) -> PairComparison:
    own, other = asker.embeddings, responder.embeddings
    way = way_between(ground, asker, responder)
    validation = held_out(ground, ground.anchors.split.validation, own, other)
    test = held_out(ground, ground.anchors.split.test, own, other)
    rows = ground.positions.rows[own.usable[ground.positions.rows]]
    rows = rows[other.usable[rows]]
    began = time.perf_counter()
    pairs = own.document[rows], other.document[rows], own.space_id, other.space_id
    baseline: Chain = (fit_mean(*pairs),)
    candidates(*pairs)
    direct_s = time.perf_counter() - began
    chains = {**way.chains, MEAN: baseline}
    return PairComparison(
        asker=own.organisation,
        responder=other.organisation,
        fitted_on=len(rows),
        held_out=len(test.source_questions),
        natives={
            "asker": _figures((), _alone(test.source_questions, test.source_documents)),
            "responder": _figures((), _alone(test.target_questions, test.target_documents)),
        },
        routes=tuple(
            MapFigures(
                route=name,
                role=_role(way, name),
                validation_mrr=figure_row(estimate(known_item_values(chain, validation))),
                figures=_figures(chain, test),
            )
            for name, chain in chains.items()
        ),
        fit_s={DIRECT.strip(): direct_s, HUB.strip(): hub_s},
        curve=_curve(own, other, way, rows, validation),
        picture=_picture(way, test),
    )


def _alone(questions: Floats, documents: Floats) -> HeldOut:
    return HeldOut(questions, documents, questions, documents)


def _figures(chain: Chain, part: HeldOut) -> dict[str, FigureRow]:
    values = route_values(chain, part)
    return {name: figure_row(estimate(each)) for name, each in values.items()}


def _role(way: Way, name: str) -> str:
    if name == way.chosen:
        return "chosen"
    if name in (NOTHING, MEAN):
        return "baseline"
    return "chosen of its kind" if name in (way.hub, way.direct) else ""


def _curve(
    own: AnchorEmbeddings,
    other: AnchorEmbeddings,
    way: Way,
    rows: NDArray[np.int64],
    part: HeldOut,
) -> Curve | None:
    """Fit the chosen direct kind again on fewer and fewer anchors; None where there are too few."""
    number = [name for name in way.chains if name.startswith(DIRECT)].index(way.direct)

    def fit(some: NDArray[np.int64]) -> Chain:
        tried = candidates(own.document[some], other.document[some], own.space_id, other.space_id)
        return (tried[min(number, len(tried) - 1)],)

    try:
        found: LearningCurve = learning_curve(fit, rows, part)
    except TooFewPairs:
        return None
    return Curve(
        anchors=tuple(point.anchors for point in found.points),
        mrr=tuple(figure_row(point.mrr) for point in found.points),
        doubled=figure_row(found.doubled),
    )


def _picture(way: Way, part: HeldOut) -> Picture:
    there = part.target_documents[: min(MOST_POINTS, len(part.source_questions))]
    came = part.source_documents[: len(there)]
    centre = there.mean(axis=0)
    _, _, directions = np.linalg.svd(there - centre, full_matrices=False)

    def seen(rows: Floats) -> tuple[Point, ...]:
        flat = (rows - centre) @ directions[:2].T
        return tuple((round(float(x), 4), round(float(y), 4)) for x, y in flat)

    found = top_k(mapped(part.source_questions, way.chain), part.target_documents)
    own = top_k(part.target_questions, part.target_documents)
    return Picture(
        responder=seen(there),
        before=seen(mapped(came, way.chains[NOTHING])),
        after=seen(mapped(came, way.chain)),
        overlaps=tuple(float(each) for each in overlap(found, own)),
    )
