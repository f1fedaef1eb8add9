"""Other ways to found a shared space, beside the generalised Procrustes consensus.

    python -m benchmarks.adapters.consensus_variants --help

procrustes, whitened   the methods of `adapters.consensus`
weighted   members' turned anchors count by the square of their own MRR on held-out anchors
refined    each member's ridge map into the consensus, and the mean of what they give
maxvar     the leading directions of all members' whitened anchors side by side: the consensus of
           generalised canonical correlation (Kettenring 1971, MAXVAR), with a penalty on each
           member's covariance, relative as ridge's is

For each, the pair of kinds that known items choose for every ordered pair of models, its MRR on the
validation anchors and its nDCG@10 on the data set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations

import numpy as np

from adapters.choose import AFFINE_FITS, candidates, choose
from adapters.consensus import consensus
from adapters.map import Chain, Floats
from adapters.metrics import known_item_ranks, reciprocal_ranks, top_k
from adapters.pairs import Doubles
from adapters.procrustes import rotation
from adapters.quality import HeldOut, mapped
from benchmarks.adapters.given import given
from node.evaluate.member import Member
from node.evaluate.routes import Judge
from node.spaces.anchor_set import AnchorSet
from node.spaces.maps import MAX_DOCUMENTS, MAX_QUESTIONS

Anchors = Mapping[str, Floats]
REFINED_PENALTY = 0.01


def procrustes(anchors: Anchors, _quality: Mapping[str, float]) -> Floats:
    """Members turned together as they are."""
    return consensus(anchors, "procrustes", leave_out=False).matrix


def whitened(anchors: Anchors, _quality: Mapping[str, float]) -> Floats:
    """Members turned together after each was whitened: the consensus of new spaces."""
    return consensus(anchors, "whitened", leave_out=False).matrix


def weighted(anchors: Anchors, quality: Mapping[str, float]) -> Floats:
    """Members turned onto the consensus once more, and their mean by quality."""
    usual = procrustes(anchors, quality).astype(np.float64)
    total = np.zeros_like(usual)
    for name, rows in anchors.items():
        centred = _centred(rows)
        total += quality[name] ** 2 * _unit(centred @ rotation(centred, usual).T)
    return _unit(total).astype(np.float32)


def refined(anchors: Anchors, quality: Mapping[str, float]) -> Floats:
    """The mean of members' ridge maps into the consensus."""
    usual = procrustes(anchors, quality).astype(np.float64)
    usual -= usual.mean(axis=0)
    total = np.zeros_like(usual)
    for rows in anchors.values():
        centred = _centred(rows)
        gram = _penalised(centred.T @ centred, REFINED_PENALTY)
        total += _unit(centred @ np.linalg.solve(gram, centred.T @ usual))
    return _unit(total).astype(np.float32)


def maxvar(anchors: Anchors, _quality: Mapping[str, float], penalty: float = 0.1) -> Floats:
    """The leading directions of all members' whitened anchors, as wide as the widest member."""
    views = []
    for rows in anchors.values():
        centred = _centred(rows)
        root = np.linalg.cholesky(_penalised(centred.T @ centred, penalty))
        views.append(np.linalg.solve(root, centred.T).T)
    together = np.hstack(views)
    _, directions = np.linalg.eigh(together.T @ together)
    width = max(rows.shape[1] for rows in anchors.values())
    return _unit(together @ directions[:, ::-1][:, :width]).astype(np.float32)


VARIANTS: dict[str, Callable[[Anchors, Mapping[str, float]], Floats]] = {
    "procrustes": procrustes,
    "whitened": whitened,
    "weighted": weighted,
    "refined": refined,
    "maxvar": maxvar,
}


def main() -> None:
    """Print one row for each variant and pair."""
    on = given("consensus_variants")
    print(
        "| consensus | asker -> responder | MRR on anchors | nDCG@10 |\n| --- | --- | --- | --- |"
    )
    for name, found in VARIANTS.items():
        for pair, (mrr, ndcg) in measured(found, on.anchors, on.members, on.judge).items():
            print(f"| {name} | {pair} | {mrr:.3f} | {ndcg:.3f} |")


def measured(
    found: Callable[[Anchors, Mapping[str, float]], Floats],
    anchors: AnchorSet,
    known: list[Member],
    judge: Judge,
) -> dict[str, tuple[float, float]]:
    """Return MRR and nDCG@10 of the chosen maps through one consensus, by pair."""
    usable = np.logical_and.reduce([each.anchors.usable for each in known])
    fit, asked = (rows[usable[rows]] for rows in (anchors.split.fit, anchors.split.validation))
    asked = asked[:MAX_QUESTIONS]
    looked = np.concatenate([asked, fit])[:MAX_DOCUMENTS]
    quality = {each.name: _own_mrr(each, asked, looked) for each in known}
    hub = found({each.name: each.anchors.document[fit] for each in known}, quality)
    report = {}
    for asker, responder in permutations(known, 2):
        own, other = asker.anchors, responder.anchors
        chains: list[Chain] = [
            (inward(own.document[fit], hub, "a", "h"), outward)
            for inward in AFFINE_FITS.values()
            for outward in candidates(hub, other.document[fit], "h", "b")
        ]
        part = HeldOut(
            own.query[asked], own.document[looked], other.query[asked], other.document[looked]
        )
        choice = choose(chains, part)
        best = top_k(mapped(asker.questions, chains[choice.index]), responder.searched)
        ndcg = float(judge.of_rows(best)["ndcg_10"].mean())
        report[f"{asker.name} -> {responder.name}"] = choice.mrr[choice.index].value, ndcg
    return report


def _own_mrr(member: Member, asked: np.ndarray, looked: np.ndarray) -> float:
    """MRR of a model by itself."""
    ranks = known_item_ranks(member.anchors.query[asked], member.anchors.document[looked])
    return float(reciprocal_ranks(ranks).mean())


def _centred(rows: Floats) -> Doubles:
    wide = rows.astype(np.float64)
    return np.asarray(wide - wide.mean(axis=0))


def _penalised(gram: Doubles, penalty: float) -> Doubles:
    gram[np.diag_indices(len(gram))] += penalty * np.trace(gram) / len(gram)
    return gram


def _unit(rows: Doubles) -> Doubles:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


if __name__ == "__main__":
    main()
