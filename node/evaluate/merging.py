"""Every way to make one list out of all silos' candidates, by the node's own merge.

    raw        similarities of different models, as if they compared
    rrf        ranks alone: reciprocal rank fusion, ties by a seeded hash
    shared     exact cosines in the shared space; nobody sends those
    bins       the same in bins, as they are sent where nothing can be corrected
    corrected  exact corrected scores; nobody sends those
    sent       the same in bins: what partners send

The rule of this file: all methods get the same candidates by the same routes, and the cap on a
partner's share, so that nothing but the order differs. The seed of ties changes with each question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from adapters.metrics import Values, paired_difference
from node.evaluate.candidates import Candidates
from node.evaluate.measures import DEPTH, PerQuestion, estimates, ratio
from node.evaluate.report import MergeFigures
from node.evaluate.routes import Judge
from node.federation.disclose import bin_of, middle_of
from node.federation.merge import SiloHit, SiloRanking, merge
from protocol.limits import BIN_WIDTH_MILLI

RRF, SENT = "rrf", "sent"
POOLED = "all askers"

Scores = Callable[[Candidates, int], Sequence[float | None]]
"""The score of each candidate for one question, in thousandths; None where only ranks are told."""


def _raw(silo: Candidates, question: int) -> list[float]:
    return [float(score) * 1000 for score in silo.raw[question]]


def _ranks(silo: Candidates, question: int) -> list[None]:
    return [None] * len(silo.rows[question])


def _shared(silo: Candidates, question: int) -> list[float]:
    return [float(score) * 1000 for score in silo.scores[question]]


def _bins(silo: Candidates, question: int) -> list[float]:
    return [_binned(float(score)) for score in silo.scores[question]]


def _corrected(silo: Candidates, question: int) -> list[float]:
    return [float(score) * 1000 for score in silo.corrected[question]]


def _sent(silo: Candidates, question: int) -> list[float]:
    return [_binned(float(score)) for score in silo.corrected[question]]


def _binned(score: float) -> float:
    return middle_of(bin_of(score, BIN_WIDTH_MILLI), BIN_WIDTH_MILLI)


METHODS: dict[str, Scores] = {
    "raw": _raw,
    RRF: _ranks,
    "shared": _shared,
    "bins": _bins,
    "corrected": _corrected,
    SENT: _sent,
}


def merged(
    silos: Sequence[Candidates], documents: Sequence[str], scores: Scores, seed: int
) -> list[list[str]]:
    """Return one list of document ids for each question, best first, at most `DEPTH` long."""
    questions = len(silos[0].rows)
    return [
        [
            hit.hit.reference
            for hit in merge(
                [_ranking(number, silo, documents, scores, q) for number, silo in enumerate(silos)],
                DEPTH,
                f"{seed} {q}".encode(),
            )
        ]
        for q in range(questions)
    ]


def _ranking(
    number: int, silo: Candidates, documents: Sequence[str], scores: Scores, question: int
) -> SiloRanking:
    given = list(zip(scores(silo, question), silo.rows[question], strict=True))
    if given and given[0][0] is not None:
        given.sort(key=lambda each: -(each[0] or 0.0))  # stable: of one bin, the nearest first
    hits = tuple(SiloHit(documents[row], score) for score, row in given)
    spaces: dict[Scores, str | None] = {_ranks: None, _raw: "raw"}
    space = spaces.get(scores, silo.score_space)
    return SiloRanking(f"silo-{number}", "documents", silo.own, space, hits)


def merge_figures(
    split: str,
    found: Mapping[str, Mapping[str, PerQuestion]],
    oracles: Mapping[str, Values],
) -> list[MergeFigures]:
    """Return every method for every asker, then pooled: each question's mean over askers.

    `found` is by asker and method; `oracles` the nDCG@10 of each asker's model by itself.
    """
    pooled: dict[str, PerQuestion] = {
        method: {
            measure: np.mean([of[method][measure] for of in found.values()], axis=0)
            for measure in next(iter(found.values()))[method]
        }
        for method in METHODS
    }
    every = {**found, POOLED: pooled}
    oracle = {**oracles, POOLED: np.mean(list(oracles.values()), axis=0)}
    return [
        MergeFigures(
            split=split,
            asker=asker,
            method=method,
            figures=estimates(values),
            against_rrf=paired_difference(values["ndcg_10"], of[RRF]["ndcg_10"]),
            of_rrf=ratio(values["ndcg_10"], of[RRF]["ndcg_10"]),
            of_oracle=ratio(values["ndcg_10"], oracle[asker]),
        )
        for asker, of in every.items()
        for method, values in of.items()
    ]


def judged_merges(
    silos: Sequence[Candidates], documents: Sequence[str], judge: Judge, seed: int
) -> dict[str, PerQuestion]:
    """Judge every method on one asker's candidates."""
    return {
        name: judge.of_ids(merged(silos, documents, scores, seed))
        for name, scores in METHODS.items()
    }
