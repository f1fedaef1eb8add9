"""The figures of one size of anchor set, for every ordered pair of models, and what they add up to.

The rule of this file: whatever is claimed is a difference or a ratio over the same questions, with
its interval; retention counts only where the responder's own model is nearly as good as the best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel

from adapters.agreement import DEPTH, LEAST_QUESTIONS, estimated_agreement, fit_agreement
from adapters.map import Floats
from adapters.metrics import SEED, Estimate, estimate, overlap, paired_difference, top_k
from adapters.quality import mapped, route_values
from node.evaluate.evaluation import Fitted
from node.evaluate.measures import PerQuestion, ratio
from node.evaluate.routes import DIRECT, HUB, Judge, Way, best_of, judged
from node.spaces.maps import held_out

SAMPLE = 100
"""Questions that two sides would exchange to measure their agreement."""

STRONG = 0.8
"""Retention counts where the responder's own nDCG@10 is this share of the best model's, or more."""


class Pair(BaseModel):
    """One asker and one responder; all figures but the overlaps are nDCG@10.

    `chosen` and `chosen_hub` are routes that anchors chose; `best`, `best_direct` and `best_hub`
    are best in hindsight. `retention` is the chosen route over the responder's own model.
    `overlap` is the chosen route's agreement with the responder's own ten, `promised` what held-out
    anchors say of it, `estimated` what the questions' scores say, `sampled` what a hundred of the
    questions say of `overlap_of_others`.
    """

    asker: str
    responder: str
    asker_native: Estimate
    responder_native: Estimate
    routes: dict[str, Estimate]
    chosen: str
    chosen_hub: str
    best: str
    best_direct: str
    best_hub: str
    against_asker: Estimate
    against_responder: Estimate
    hub_against_best_direct: Estimate
    loss: Estimate
    retention: Estimate | None
    overlap: Estimate
    promised: Estimate
    estimated: Estimate | None
    sampled: Estimate | None
    overlap_of_others: Estimate | None


class Size(BaseModel):
    """All pairs at one number of anchors; `fitted_on` of them, the rest choose and measure."""

    anchors: int
    fitted_on: int
    pairs: list[Pair]
    mean_loss: float
    largest_loss: float
    mean_chosen: float


Values = Mapping[tuple[int, int], PerQuestion]


def size_figures(anchors: int, fitted: Fitted, judge: Judge) -> tuple[Size, Values]:
    """Return the figures, and the chosen routes' values by question for comparing sizes."""
    best_native = max(float(each["ndcg_10"].mean()) for each in fitted.natives)
    pairs, chosen = [], {}
    for (a, b), way in fitted.ways.items():
        values = judged(way, fitted.members[a], fitted.members[b], judge)
        chosen[a, b] = values[way.chosen]
        pairs.append(_pair(fitted, a, b, way, values, best_native))
    losses = [each.loss.value for each in pairs]
    size = Size(
        anchors=anchors,
        fitted_on=fitted.fitted_on,
        pairs=pairs,
        mean_loss=float(np.mean(losses)),
        largest_loss=max(losses),
        mean_chosen=float(np.mean([each["ndcg_10"].mean() for each in chosen.values()])),
    )
    return size, chosen


def _pair(
    fitted: Fitted,
    a: int,
    b: int,
    way: Way,
    values: Mapping[str, PerQuestion],
    best_native: float,
) -> Pair:
    ndcg = {name: each["ndcg_10"] for name, each in values.items()}
    one, other = (fitted.natives[number]["ndcg_10"] for number in (a, b))
    direct, hub = best_of(values, DIRECT), best_of(values, HUB)
    best = max(ndcg, key=lambda name: float(ndcg[name].mean()))
    asker, responder = fitted.members[a], fitted.members[b]
    found = top_k(mapped(asker.questions, way.chain), responder.searched)
    agreed = overlap(found, top_k(responder.questions, responder.searched))
    order = np.random.default_rng(SEED).permutation(len(agreed))
    enough = len(agreed) > SAMPLE
    direct_used = way.pair.quality.by_direct
    card = way.pair.quality.card.figures if direct_used is None else direct_used.figures
    counts = float(other.mean()) >= STRONG * best_native
    return Pair(
        asker=asker.name,
        responder=responder.name,
        asker_native=estimate(one),
        responder_native=estimate(other),
        routes={name: estimate(each) for name, each in ndcg.items()},
        chosen=way.chosen,
        chosen_hub=way.hub,
        best=best,
        best_direct=direct,
        best_hub=hub,
        against_asker=paired_difference(ndcg[way.chosen], one),
        against_responder=paired_difference(ndcg[way.chosen], other),
        hub_against_best_direct=paired_difference(ndcg[way.hub], ndcg[direct]),
        loss=paired_difference(ndcg[best], ndcg[way.chosen]),
        retention=ratio(ndcg[way.chosen], other) if counts else None,
        overlap=estimate(agreed),
        promised=card["overlap_10"],
        estimated=_estimated(fitted, a, b, way),
        sampled=estimate(agreed[order[:SAMPLE]]) if enough else None,
        overlap_of_others=estimate(agreed[order[SAMPLE:]]) if enough else None,
    )


def _estimated(fitted: Fitted, a: int, b: int, way: Way) -> Estimate | None:
    """Estimate agreement by the questions' scores, as learnt on held-out anchors if enough."""
    asker, responder = fitted.members[a], fitted.members[b]
    split = fitted.ground.anchors.split.test
    part = held_out(fitted.ground, split, asker.anchors, responder.anchors)
    if len(part.source_questions) < LEAST_QUESTIONS:
        return None
    told = _best_scores(mapped(part.source_questions, way.chain), part.target_documents)
    model = fit_agreement(told, route_values(way.chain, part)["overlap_10"])
    asked = _best_scores(mapped(asker.questions, way.chain), responder.searched)
    return estimated_agreement(model, asked)


def _best_scores(questions: Floats, documents: Floats) -> Floats:
    scores = questions @ documents.T
    return np.asarray(-np.sort(-scores, axis=1)[:, :DEPTH], dtype=np.float32)


def kept_with_fewer(fewer: Values, most: Values) -> Estimate | None:
    """Return the share of the value at most anchors, over all pairs and the same questions."""
    return ratio(_mean(fewer), _mean(most))


def _mean(values: Values) -> np.ndarray:
    per_pair: Sequence[np.ndarray] = [each["ndcg_10"] for each in values.values()]
    return np.asarray(np.mean(per_pair, axis=0))
