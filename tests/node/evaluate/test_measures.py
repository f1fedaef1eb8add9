"""Measures against trec_eval, the field's reference, by its Python binding."""

import numpy as np
import pytest
import pytrec_eval

from adapters.metrics import SAMPLES
from node.evaluate.measures import MEASURES, per_question, ratio

TREC = {
    "ndcg_10": "ndcg_cut_10",
    "recall_10": "recall_10",
    "recall_100": "recall_100",
    "mrr": "recip_rank",
}


def test_every_measure_is_what_trec_eval_says() -> None:
    """trec_eval takes a grade as the gain, so it is given 2^grade - 1."""
    rng = np.random.default_rng(5)
    names = [f"d{n}" for n in range(200)]
    judgments, rankings = {}, {}
    for question in map(str, range(40)):
        judged = rng.choice(names, size=25, replace=False)
        judgments[question] = {str(d): int(rng.integers(0, 4)) for d in judged}
        rankings[question] = [str(d) for d in rng.permutation(names)[: rng.integers(1, 150)]]
    gains = {q: {d: 2**g - 1 for d, g in j.items()} for q, j in judgments.items()}
    runs = {q: {d: float(-at) for at, d in enumerate(r[:100])} for q, r in rankings.items()}
    said = pytrec_eval.RelevanceEvaluator(gains, set(TREC.values())).evaluate(runs)

    ours = per_question([r[:100] for r in rankings.values()], judgments.values())

    assert tuple(ours) == MEASURES
    for measure, name in TREC.items():
        theirs = [said[question][name] for question in rankings]
        np.testing.assert_allclose(ours[measure], theirs, atol=1e-9, err_msg=measure)


def test_a_ratio_is_paired() -> None:
    """Twice as good question by question is twice as good in every sample."""
    worse = np.random.default_rng(1).random(50)
    found = ratio(2 * worse, worse)
    assert found is not None
    assert found.value == pytest.approx(2)
    assert found.high - found.low == pytest.approx(0, abs=1e-9)


def test_a_ratio_to_nothing_is_not_told() -> None:
    worse = np.zeros(SAMPLES // 100)
    assert ratio(worse + 1, worse) is None
