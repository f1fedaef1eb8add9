"""What it costs to ask fewer silos: merged lists by the number of partners' silos that are asked.

    learnt   by what silos gave to the other half of the questions, as a node selects (ADR 0042)
    any      drawn at random: what selecting is to be better than
    best     those that hold most relevant documents, which nobody can know before

The rule of this file: the asker's own silo is always searched, and everything else is as in the
list of all silos that a node merges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.map import Floats
from node.evaluate.candidates import Candidates
from node.evaluate.measures import PerQuestion, estimates, ratio
from node.evaluate.merging import METHODS, SENT, ranking_of
from node.evaluate.report import SelectionFigures
from node.evaluate.routes import Judge
from node.federation.likely import LEAST, expected_shares
from node.federation.merge import SiloRanking, merge

TOP = 10
ALL, LEARNT, ANY, BEST = "all", "learnt", "any", "best"
HALVES = 2

Shares = NDArray[np.float32]
Counted = tuple[int, str]
"""How many of the partners' silos are asked, and how they are chosen."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One asker's questions (n, d), what each silo gives to them, and which silo is its own."""

    questions: Floats
    silos: Sequence[Candidates]
    home: int
    seed: int

    @property
    def partners(self) -> list[int]:
        """The numbers of the silos that may be left out."""
        return [number for number in range(len(self.silos)) if number != self.home]


def numbers_asked(partners: int) -> list[int]:
    """Return the numbers of silos that are tried: 1, 2, 4 and so on, and all."""
    return [*(2**n for n in range(partners.bit_length()) if 2**n < partners), partners]


def judged_selections(
    asked: Asked, documents: Sequence[str], silo_of: NDArray[np.int64], judge: Judge
) -> dict[Counted, PerQuestion]:
    """Judge one asker's lists by how many silos are asked and how they are chosen.

    Without `LEARNT` where half of the questions are too few to learn from.
    """
    rankings = [
        [ranking_of(n, silo, documents, METHODS[SENT], q) for n, silo in enumerate(asked.silos)]
        for q in range(len(asked.questions))
    ]
    everybody = list(range(len(asked.silos)))

    def lists(chosen: Callable[[int], Sequence[int]]) -> list[list[str]]:
        return [
            _list(rankings[q], [asked.home, *chosen(q)], f"{asked.seed} {q}".encode())
            for q in range(len(rankings))
        ]

    whole = lists(lambda _: asked.partners)
    likely = {
        ANY: np.random.default_rng(asked.seed).random((len(rankings), len(everybody))),
        BEST: _relevant(
            judge.grades, dict(zip(documents, silo_of.tolist(), strict=True)), everybody
        ),
    }
    if len(rankings) >= HALVES * LEAST:
        likely[LEARNT] = _learnt(asked, _shares(rankings, everybody, asked.seed))
    found = {(len(asked.partners), ALL): judge.of_ids(whole)}
    for most in numbers_asked(len(asked.partners))[:-1]:
        for how, values in likely.items():
            order = _order(values, asked.partners)
            found[most, how] = judge.of_ids(lists(lambda q: order[q][:most]))  # noqa: B023 -- called here
    return found


def selection_figures(
    split: str, found: Sequence[Mapping[Counted, PerQuestion]]
) -> list[SelectionFigures]:
    """Return the figures of each number and choice: each question's mean over runs of askers."""
    pooled = {
        key: {
            measure: np.mean([run[key][measure] for run in found], axis=0)
            for measure in ("ndcg_10", "recall_10")
        }
        for key in found[0]
    }
    partners = max(asked for asked, _ in pooled)
    whole = pooled[partners, ALL]
    return [
        SelectionFigures(
            split=split,
            asked=asked,
            partners=partners,
            chosen=how,
            figures=estimates(values),
            ndcg_of_all=ratio(values["ndcg_10"], whole["ndcg_10"]),
            recall_of_all=ratio(values["recall_10"], whole["recall_10"]),
        )
        for (asked, how), values in pooled.items()
    ]


def _list(rankings: Sequence[SiloRanking], silos: Sequence[int], seed: bytes) -> list[str]:
    return [hit.hit.reference for hit in merge([rankings[n] for n in silos], TOP, seed)]


def _shares(rankings: Sequence[Sequence[SiloRanking]], silos: Sequence[int], seed: int) -> Shares:
    """Return which part of each list of all silos each of them gives: (n, s)."""
    shares = np.zeros((len(rankings), len(silos)), dtype=np.float32)
    for q, given in enumerate(rankings):
        held = Counter(hit.silo for hit in merge(given, TOP, f"{seed} {q}".encode()))
        for silo, count in held.items():
            shares[q, silo] = count / TOP
    return shares


def _learnt(asked: Asked, shares: Shares) -> NDArray[np.float64]:
    """Return what is expected of each silo, each half of the questions learning from the other."""
    order = np.random.default_rng(asked.seed).permutation(len(shares)) % HALVES
    expected = np.zeros(shares.shape, dtype=np.float64)
    for half in range(HALVES):
        past = order != half
        for q in np.flatnonzero(~past):
            one = asked.questions[q : q + 1]
            expected[q] = expected_shares(one, asked.questions[past], shares[past])
    return expected


def _relevant(
    grades: Sequence[Mapping[str, int]], silo_of: Mapping[str, int], silos: Sequence[int]
) -> NDArray[np.float64]:
    held = np.zeros((len(grades), len(silos)))
    for q, judged in enumerate(grades):
        for document, grade in judged.items():
            held[q, silo_of[document]] += grade > 0
    return held


def _order(values: NDArray[np.float64], partners: Sequence[int]) -> list[list[int]]:
    """Return the partners' silos for each question, the likeliest first."""
    return [[partners[at] for at in np.argsort(-row, kind="stable")] for row in values[:, partners]]
