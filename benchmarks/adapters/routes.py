"""Every route between the models of a data set: direct maps, the hub, and what the node chooses.

Fitted and chosen on anchors only, by the node's own code; measured on the data set's questions and
judgments, which no fit has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from adapters.choose import choose, question_candidates
from adapters.identity import fit_identity
from adapters.map import Chain, Floats
from adapters.metrics import Estimate, Values, estimate, graded_ndcg, overlap, top_k
from adapters.procrustes import mean_shares
from adapters.quality import mapped
from benchmarks.adapters.data_set import DataSet
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.maps import Ground, Party, fit_inward, fit_outward, held_out
from node.spaces.pairs import measure_pair


@dataclass(frozen=True)
class Member:
    """A model with its anchors, and its view of the data set: documents, questions (n, d)."""

    name: str
    anchors: AnchorEmbeddings
    documents: Floats
    questions: Floats


@dataclass(frozen=True)
class Row:
    """One route, measured: nDCG@10, its loss to the asker's and responder's natives, overlap@10.

    `agreement` is the overlap@10 that held-out anchors had promised, for the chosen route.
    """

    asker: str
    responder: str
    route: str
    ndcg: Estimate
    overlap: Estimate
    asker_native: float
    responder_native: float
    against_best_direct: Estimate | None = None
    against_best_hub: Estimate | None = None
    agreement: float | None = None


def measured_routes(
    ground_of: Ground, parties: Sequence[Party], members: Sequence[Member], data: DataSet
) -> list[Row]:
    """Measure every route of every ordered pair of members."""
    rows: list[Row] = []
    natives = {each.name: _ndcg(each.questions, each.documents, data) for each in members}
    for (asking, asker), (answering, responder) in permutations(
        zip(parties, members, strict=True), 2
    ):
        chains, chosen, agreement = _chains(ground_of, asking, answering)
        values = {
            name: _ndcg(mapped(asker.questions, chain), responder.documents, data)
            for name, chain in chains.items()
        }
        best_direct = _best(values, "direct ")
        best_hub = _best(values, "hub ")
        native = top_k(responder.questions, responder.documents)
        for name, chain in chains.items():
            found = top_k(mapped(asker.questions, chain), responder.documents)
            is_chosen = name in chosen
            rows.append(
                Row(
                    asker.name,
                    responder.name,
                    name + (" *" if is_chosen else ""),
                    estimate(values[name]),
                    estimate(overlap(found, native)),
                    float(natives[asker.name].mean()),
                    float(natives[responder.name].mean()),
                    estimate(values[name] - best_direct) if is_chosen else None,
                    estimate(values[name] - best_hub) if is_chosen else None,
                    agreement if name == chosen[0] else None,
                )
            )
    return rows


def parties_of(members: Sequence[Member], ground: Ground) -> list[Party]:
    """Fit every member's maps in and out, as joining does."""
    inward = [(each.anchors, fit_inward(ground, each.anchors)) for each in members]
    return [
        Party(own, maps, fit_outward(ground, own, [a for a in inward if a[0] is not own]))
        for own, maps in inward
    ]


def _chains(
    ground: Ground, asker: Party, responder: Party
) -> tuple[dict[str, Chain], list[str], float]:
    """Return all chains by name, the names of the chosen hub and direct ones, and the promise."""
    own, other = asker.embeddings, responder.embeddings
    rows = ground.positions.rows
    rows = rows[own.usable[rows] & other.usable[rows]]
    pairs = own.document[rows], other.document[rows], own.space_id, other.space_id
    direct = question_candidates(*pairs)
    validation = held_out(ground, ground.anchors.split.validation, own, other)
    chains: dict[str, Chain] = {"identity": (fit_identity(*pairs),)}
    shares = mean_shares(pairs[1])
    for number, each in enumerate(direct):
        share = "" if len(shares) == 1 else f" {shares[number % len(shares)]:g}"
        chains[f"direct {each.kind}{share}"] = (each,)
    direct_names = list(chains)[1:]
    best = direct_names[choose([chains[name] for name in direct_names], validation).index]
    for a, first in asker.inward.items():
        for b, second in responder.outward.items():
            chains[f"hub {a}>{b}"] = (first, second)
    pair = measure_pair(ground, asker, responder).quality
    hub = f"hub {pair.in_kind}>{pair.out_kind}"
    return chains, [hub, best], pair.card.figures["overlap_10"].value


def _best(values: dict[str, Values], kind: str) -> Values:
    """The values of the route of a kind that is best in hindsight."""
    return max((v for name, v in values.items() if name.startswith(kind)), key=lambda v: v.mean())


def _ndcg(questions: Floats, documents: Floats, data: DataSet) -> Values:
    names = list(data.documents)
    found = top_k(questions, documents)
    return np.array(
        [
            graded_ndcg([names[at] for at in row], data.judgments[question])
            for row, question in zip(found, data.questions, strict=True)
        ]
    )
