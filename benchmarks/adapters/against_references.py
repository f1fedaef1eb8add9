"""The kinds that can be chosen beside the references, each as a direct map between real models.

    python -m benchmarks.adapters.against_references --help

For every ordered pair of models: MRR of known items on the validation anchors and nDCG@10 on the
data set, through one direct map of each kind. Of the kinds with several shares of the target's
mean the share with the highest MRR is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from adapters.choose import question_candidates
from adapters.map import Floats
from adapters.metrics import known_item_ranks, reciprocal_ranks, top_k
from benchmarks.adapters.given import given
from benchmarks.adapters.references import REFERENCES, Apply
from node.evaluate.member import Member
from node.evaluate.routes import Judge
from node.spaces.anchor_set import AnchorSet
from node.spaces.maps import MAX_DOCUMENTS


def main() -> None:
    """Print one row for each pair and kind."""
    on = given("against_references")
    print("| asker -> responder | kind | MRR on anchors | nDCG@10 |\n| --- | --- | --- | --- |")
    for asker, responder in permutations(on.members, 2):
        for kind, (mrr, ndcg) in measured(on.anchors, asker, responder, on.judge).items():
            print(f"| {asker.name} -> {responder.name} | {kind} | {mrr:.3f} | {ndcg:.3f} |")


def measured(
    anchors: AnchorSet, asker: Member, responder: Member, judge: Judge
) -> dict[str, tuple[float, float]]:
    """Return MRR on validation anchors and nDCG@10 on the data set, by kind."""
    own, other = asker.anchors, responder.anchors
    fit, asked = (
        rows[own.usable[rows] & other.usable[rows]]
        for rows in (anchors.split.fit, anchors.split.validation)
    )
    documents = other.document[np.concatenate([asked, fit])[:MAX_DOCUMENTS]]
    found: dict[str, tuple[float, float]] = {}
    for kind, apply in _fitted(own.document[fit], other.document[fit]):
        ranks = known_item_ranks(apply(own.query[asked]), documents)
        mrr = float(reciprocal_ranks(ranks).mean())
        if kind not in found or mrr > found[kind][0]:
            best = top_k(apply(asker.questions), responder.searched)
            found[kind] = mrr, float(judge.of_rows(best)["ndcg_10"].mean())
    return found


def _fitted(source: Floats, target: Floats) -> Iterator[tuple[str, Apply]]:
    """Fit every kind that can be chosen, with every share of the mean, then every reference."""
    for one in question_candidates(source, target, "a", "b"):
        yield one.kind, one.apply
    for name, fit in REFERENCES.items():
        yield name, fit(source, target)


if __name__ == "__main__":
    main()
