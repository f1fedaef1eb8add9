"""What a ranking is worth under graded judgments, one value per question.

nDCG@10 has the gain 2^grade - 1; recall and MRR count every grade above 0 as relevant. MRR looks
through the whole list that was given. One value per question throughout, so that two rankings of
the same questions can be paired.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from adapters.metrics import SAMPLES, SEED, Estimate, Values, estimate, graded_ndcg

MEASURES = ("ndcg_10", "recall_10", "recall_100", "mrr")
DEPTH = 100

Figures = dict[str, Estimate]
PerQuestion = dict[str, Values]


def per_question(
    rankings: Iterable[Sequence[str]], judgments: Iterable[Mapping[str, int]]
) -> PerQuestion:
    """Return each measure's (n,) values for n rankings of document ids, best first."""
    rows = [
        (
            graded_ndcg(ranking, grades),
            recall(ranking, grades, 10),
            recall(ranking, grades, DEPTH),
            reciprocal_rank(ranking, grades),
        )
        for ranking, grades in zip(rankings, judgments, strict=True)
    ]
    columns = np.array(rows, dtype=np.float64).reshape(-1, len(MEASURES)).T
    return dict(zip(MEASURES, columns, strict=True))


def recall(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Return the share of the relevant documents that is within k; 0 where none is relevant."""
    relevant = {document for document, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    """Return 1 / the rank of the first relevant document; 0 where there is none."""
    for rank, document in enumerate(ranking, 1):
        if grades.get(document, 0) > 0:
            return 1.0 / rank
    return 0.0


def estimates(values: PerQuestion) -> Figures:
    """Return each measure's mean over questions with its seeded 95% bootstrap interval."""
    return {name: estimate(each) for name, each in values.items()}


def ratio(better: Values, worse: Values) -> Estimate | None:
    """Return the ratio of two means over the same questions, with its paired interval.

    None where the second finds nothing at all in some sample.
    """
    draws = np.random.default_rng(SEED).integers(0, len(better), size=(SAMPLES, len(better)))
    below = worse[draws].mean(axis=1)
    if not below.all():
        return None
    low, high = np.percentile(better[draws].mean(axis=1) / below, [2.5, 97.5])
    return Estimate(float(better.mean() / worse.mean()), float(low), float(high))
