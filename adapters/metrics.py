"""How well a ranking does: the retrieval measures, and what chance adds to them.

One value per question throughout, so that measures of the same questions can be paired. With known
items, question i has one right answer: document i. Ties count against it, so a map that gives every
document the same score finds nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.errors import WrongDimension
from adapters.map import Floats

Values = NDArray[np.float64]

SAMPLES = 1000
SEED = 20240229
_BLOCK = 512


@dataclass(frozen=True)
class Estimate:
    """A mean over questions with its 95% bootstrap interval."""

    value: float
    low: float
    high: float


def known_item_ranks(questions: Floats, documents: Floats) -> NDArray[np.int64]:
    """Return the rank (from 1) of document i for question i, by dot product.

    `questions` (n, d) and `documents` (m, d) with m >= n; rows of length 1 for cosine.
    """
    if questions.ndim != 2 or len(documents) < len(questions):
        raise WrongDimension("known items need one document per question, in the same order")
    ranks = np.empty(len(questions), dtype=np.int64)
    for start in range(0, len(questions), _BLOCK):
        scores = questions[start : start + _BLOCK] @ documents.T
        rows = np.arange(len(scores))
        right = scores[rows, start + rows]
        ranks[start : start + _BLOCK] = (scores >= right[:, None]).sum(axis=1)
    return ranks


def reciprocal_ranks(ranks: NDArray[np.int64]) -> Values:
    """Return 1/rank per question; the mean is MRR."""
    return np.asarray(1.0 / ranks, dtype=np.float64)


def known_item_ndcg(ranks: NDArray[np.int64], k: int = 10) -> Values:
    """Return nDCG@k per question with one relevant document: 1/log2(1 + rank) within k."""
    return np.where(ranks <= k, 1.0 / np.log2(1.0 + ranks), 0.0)


def known_item_recall(ranks: NDArray[np.int64], k: int = 10) -> Values:
    """Return per question whether the right document is within k."""
    return np.asarray(ranks <= k, dtype=np.float64)


def top_k(questions: Floats, documents: Floats, k: int = 10) -> NDArray[np.int64]:
    """Return (n, k) row numbers of the best documents per question, best first."""
    k = min(k, len(documents))
    found = np.empty((len(questions), k), dtype=np.int64)
    for start in range(0, len(questions), _BLOCK):
        scores = questions[start : start + _BLOCK] @ documents.T
        best = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        found[start : start + _BLOCK] = np.take_along_axis(best, order, axis=1)
    return found


def overlap(found: NDArray[np.int64], other: NDArray[np.int64]) -> Values:
    """Return per question the share of `found` (n, k) that is in `other` (n, k) too.

    Agreement, not quality: a better model may agree little with a bad one.
    """
    if found.shape != other.shape:
        raise WrongDimension("overlap compares two rankings of one depth")
    shared = (found[:, :, None] == other[:, None, :]).any(axis=2)
    return np.asarray(shared.mean(axis=1), dtype=np.float64)


def graded_ndcg(ranking: Sequence[str], judgments: Mapping[str, int], k: int = 10) -> float:
    """Return nDCG@k of one ranking under graded judgments, gain 2^grade - 1.

    Jaervelin and Kekaelaeinen, "Cumulated gain-based evaluation of IR techniques", TOIS 20 (2002),
    with the exponential gain of Burges et al. (ICML 2005). 0 where nothing is judged relevant.
    """
    ideal = sorted((grade for grade in judgments.values() if grade > 0), reverse=True)[:k]
    if not ideal:
        return 0.0
    gained = [max(judgments.get(document, 0), 0) for document in ranking[:k]]
    return _dcg(gained) / _dcg(ideal)


def _dcg(grades: Sequence[int]) -> float:
    return float(sum((2.0**g - 1.0) / np.log2(place + 2.0) for place, g in enumerate(grades)))


def estimate(values: Values, seed: int = SEED) -> Estimate:
    """Return the mean of per-question values with its percentile bootstrap interval (seeded)."""
    if not len(values):
        raise WrongDimension("a figure needs at least one question")
    means = values[_draws(len(values), seed)].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    value = float(values.mean())
    return Estimate(value, min(float(low), value), max(float(high), value))


def paired_difference(better: Values, worse: Values, seed: int = SEED) -> Estimate:
    """Return the mean difference of two measures of the same questions, with its interval."""
    if better.shape != worse.shape:
        raise WrongDimension("paired measures need the same questions")
    return estimate(better - worse, seed)


def _draws(n: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, n, size=(SAMPLES, n))
