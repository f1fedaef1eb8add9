"""Merged lists of several silos, on random and on topical splits, over all askers and seeds.

The rule of this file: models change places with the seed, so that none always holds the same part,
and each question's mean over seeds and askers is taken before any interval is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from adapters.metrics import Estimate, Values
from node.evaluate.candidates import Candidates, candidates_of
from node.evaluate.data_set import DataSet
from node.evaluate.evaluation import Fitted
from node.evaluate.measures import PerQuestion, ratio
from node.evaluate.merging import RRF, judged_merges
from node.evaluate.report import SelectionFigures
from node.evaluate.routes import Judge
from node.evaluate.selecting import Asked, judged_selections, selection_figures
from node.evaluate.splits import RANDOM, TOPIC, split_documents


class Merge(BaseModel):
    """One method on one kind of split: nDCG@10 over all askers and seeds, and its ratio to RRF."""

    split: str
    method: str
    ndcg_10: float
    of_rrf: Estimate | None
    of_oracle: Estimate | None
    by_asker: dict[str, float]


@dataclass(frozen=True)
class Splits:
    """How many silos, splits of each kind, and candidates from each silo."""

    silos: int
    seeds: int
    k: int


Runs = Mapping[str, Sequence[Mapping[str, PerQuestion]]]
"""By asker, for each seed: every method's values."""


def merge_figures(data: DataSet, fitted: Fitted, judge: Judge, splits: Splits) -> list[Merge]:
    """Merge on every split by every method."""
    oracle = np.mean([each["ndcg_10"] for each in fitted.natives], axis=0)
    return [
        row
        for how in (RANDOM, TOPIC)
        for row in _rows(how, _runs(how, data, fitted, judge, splits), oracle)
    ]


def selections_of(
    data: DataSet, fitted: Fitted, judge: Judge, splits: Splits
) -> list[SelectionFigures]:
    """Ask fewer and fewer silos on every split."""
    documents, found = list(data.documents), list[SelectionFigures]()
    for how in (RANDOM, TOPIC):
        runs = [
            judged_selections(
                Asked(fitted.members[given.asker].questions, given.silos, given.home, given.seed),
                documents,
                given.silo_of,
                judge,
            )
            for given in _given(how, data, fitted, splits)
        ]
        found += selection_figures(how, runs)
    return found


@dataclass(frozen=True, eq=False)
class _Given:
    """What all silos give to one asker on one split."""

    asker: int
    home: int
    seed: int
    silo_of: NDArray[np.int64]
    silos: Sequence[Candidates]


def _given(how: str, data: DataSet, fitted: Fitted, splits: Splits) -> Iterator[_Given]:
    documents, known = list(data.documents), fitted.members
    for seed in range(splits.seeds):
        topics = known[seed % len(known)].searched
        silo_of = split_documents(how, documents, data.metadata, topics, splits.silos, seed)
        models = [(silo + seed) % len(known) for silo in range(splits.silos)]
        for asker in range(len(known)):
            home = models.index(asker)
            silos = candidates_of(
                asker, home, silo_of, models, known, fitted.ways, fitted.scoring, splits.k
            )
            yield _Given(asker, home, seed, silo_of, silos)


def _runs(how: str, data: DataSet, fitted: Fitted, judge: Judge, splits: Splits) -> Runs:
    documents, known = list(data.documents), fitted.members
    found: dict[str, list[dict[str, PerQuestion]]] = {each.name: [] for each in known}
    for given in _given(how, data, fitted, splits):
        judged = judged_merges(given.silos, documents, judge, given.seed)
        found[known[given.asker].name].append(judged)
    return found


def _rows(how: str, found: Runs, oracle: Values) -> list[Merge]:
    methods = next(iter(found.values()))[0]
    mean = {
        method: np.mean([run[method]["ndcg_10"] for runs in found.values() for run in runs], axis=0)
        for method in methods
    }
    return [
        Merge(
            split=how,
            method=method,
            ndcg_10=float(values.mean()),
            of_rrf=ratio(values, mean[RRF]),
            of_oracle=ratio(values, oracle),
            by_asker={
                name: float(np.mean([run[method]["ndcg_10"].mean() for run in runs]))
                for name, runs in found.items()
            },
        )
        for method, values in mean.items()
    ]
