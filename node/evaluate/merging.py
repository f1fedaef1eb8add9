"""Every way to make one list out of all silos' candidates, by the node's own merge.

    raw         similarities of different models, as if they compared
    rrf native  ranks in the order of each silo's own model: reciprocal rank fusion, seeded ties
    rrf         ranks in the order of the corrected score, as a partner tells that gives ranks only
    shared      exact cosines in the shared space; nobody sends those
    bins        the same in bins, as they are sent where nothing can be corrected
    corrected   exact corrected scores; nobody sends those
    corrected bins   the same in bins: what partners send
    sent        the same, as the asker takes each silo's scores: how a node merges them

The rule of this file: all methods get the same candidates by the same routes, and the cap on a
partner's share, so that nothing but the order differs. The seed of ties changes with each question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

import numpy as np

from adapters.map import Floats
from adapters.metrics import Values, paired_difference
from adapters.scale import AS_TOLD
from node.evaluate.candidates import Candidates
from node.evaluate.measures import DEPTH, PerQuestion, estimates, ratio
from node.evaluate.report import MergeFigures
from node.evaluate.routes import Judge
from node.federation.disclose import bin_of, middle_of
from node.federation.merge import SiloHit, SiloRanking, merge
from protocol.limits import BIN_WIDTH_MILLI

RRF, SENT = "rrf", "sent"
POOLED = "all askers"


@dataclass(frozen=True)
class Method:
    """By what each silo orders its candidates, (n, k), and how much of that it tells.

    `scaled`: taken for what the asker takes each silo's scores for.
    """

    by: Callable[[Candidates], Floats]
    told: Literal["exact", "bins", "ranks"]
    scaled: bool = False

    def score(self, exact: float) -> float | None:
        """Return what is told of a score, in thousandths; None where only the rank is."""
        if self.told == "ranks":
            return None
        return exact * 1000 if self.told == "exact" else _binned(exact)


def _binned(score: float) -> float:
    return middle_of(bin_of(score, BIN_WIDTH_MILLI), BIN_WIDTH_MILLI)


_raw, _shared, _corrected = attrgetter("raw"), attrgetter("scores"), attrgetter("corrected")

METHODS: dict[str, Method] = {
    "raw": Method(_raw, "exact"),
    "rrf native": Method(_raw, "ranks"),
    RRF: Method(_corrected, "ranks"),
    "shared": Method(_shared, "exact"),
    "bins": Method(_shared, "bins"),
    "corrected": Method(_corrected, "exact"),
    "corrected bins": Method(_corrected, "bins"),
    SENT: Method(_corrected, "bins", scaled=True),
}


def merged(
    silos: Sequence[Candidates], documents: Sequence[str], method: Method, seed: int
) -> list[list[str]]:
    """Return one list of document ids for each question, best first, at most `DEPTH` long."""
    questions = len(silos[0].rows)
    return [
        [
            hit.hit.reference
            for hit in merge(
                [
                    ranking_of(number, silo, documents, method, q)
                    for number, silo in enumerate(silos)
                ],
                DEPTH,
                f"{seed} {q}".encode(),
            )
        ]
        for q in range(questions)
    ]


def ranking_of(
    number: int, silo: Candidates, documents: Sequence[str], method: Method, question: int
) -> SiloRanking:
    """Return what one silo tells of one question, as the asker gets it by this method."""
    scores, rows = method.by(silo)[question], silo.rows[question]
    hits = tuple(
        SiloHit(documents[rows[at]], method.score(float(scores[at])))
        for at in np.argsort(-scores, kind="stable")
    )
    space = "raw" if method.by is _raw else silo.score_space
    told = None if method.told == "ranks" else space
    meant = silo.scale if method.scaled else AS_TOLD
    return SiloRanking(f"silo-{number}", "documents", silo.own, told, hits, meant=meant)


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
        name: judge.of_ids(merged(silos, documents, method, seed))
        for name, method in METHODS.items()
    }
