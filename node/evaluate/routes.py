"""Every route between the models of an evaluation, and the one that a node would choose.

The rule of this file: maps are fitted and routes chosen on anchors alone, by the code that joining
a space runs; the data set only judges. Each route is measured as if the responder held the whole
collection, so that the loss of a map is not mixed with that of a split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from adapters.choose import candidates, choose
from adapters.identity import fit_identity
from adapters.map import Chain, Floats
from adapters.metrics import estimate, overlap, paired_difference, top_k
from adapters.procrustes import mean_shares
from adapters.quality import mapped
from node.evaluate.data_set import DataSet
from node.evaluate.measures import DEPTH, PerQuestion, estimates, per_question
from node.evaluate.member import Member
from node.evaluate.report import Native, RouteFigures
from node.spaces.maps import Ground, Party, fit_inward, fit_outward, held_out
from node.spaces.pairs import MeasuredPair, measure_pair

HUB, DIRECT, NOTHING = "hub ", "direct ", "identity"


@dataclass(frozen=True, eq=False)
class Way:
    """All ways of one asker to one responder.

    Attributes:
        chains: every route's maps by its name: `identity`, `direct KIND` with the share of the
            target's mean where several are tried, `hub KIND>KIND`.
        hub: the name of the route through the shared space that known items choose.
        direct: the same among the direct maps.
        chosen: the better of these two by known items, which a node takes.
        pair: what was measured of the pair on anchors.
    """

    chains: dict[str, Chain]
    hub: str
    direct: str
    chosen: str
    pair: MeasuredPair

    @property
    def chain(self) -> Chain:
        """The maps of the chosen route."""
        return self.chains[self.chosen]


Ways = dict[tuple[int, int], Way]


def parties_of(members: Sequence[Member], ground: Ground) -> list[Party]:
    """Fit every member's maps in and out, as joining does."""
    inward = [(each.anchors, fit_inward(ground, each.anchors)) for each in members]
    return [
        Party(own, maps, fit_outward(ground, own, [a for a in inward if a[0] is not own]))
        for own, maps in inward
    ]


def ways_between(ground: Ground, parties: Sequence[Party]) -> Ways:
    """Return all ways by the numbers of asker and responder."""
    return {
        (a, b): way_between(ground, parties[a], parties[b])
        for a, b in permutations(range(len(parties)), 2)
    }


def way_between(ground: Ground, asker: Party, responder: Party) -> Way:
    """Fit every map from one to the other, and choose among them by known items."""
    own, other = asker.embeddings, responder.embeddings
    rows = ground.positions.rows
    rows = rows[own.usable[rows] & other.usable[rows]]
    pairs = own.document[rows], other.document[rows]
    spaces = own.space_id, other.space_id
    unit = other.envelope.normalisation == "l2"
    chains: dict[str, Chain] = {NOTHING: (fit_identity(*pairs, *spaces, unit=unit),)}
    shares, seen = mean_shares(pairs[1]), Counter[str]()
    for each in candidates(*pairs, *spaces, unit=unit):
        share = "" if len(shares) == 1 else f" {shares[seen[each.kind]]:g}"
        chains[f"{DIRECT}{each.kind}{share}"] = (each,)
        seen[each.kind] += 1
    validation = held_out(ground, ground.anchors.split.validation, own, other)
    names = [name for name in chains if name != NOTHING]
    direct = names[choose([chains[name] for name in names], validation).index]
    for a, first in asker.inward.items():
        for b, second in responder.outward.items():
            chains[f"{HUB}{a}>{b}"] = (first, second)
    pair = measure_pair(ground, asker, responder)
    hub = f"{HUB}{pair.quality.in_kind}>{pair.quality.out_kind}"
    chosen = hub
    if pair.quality.by_direct is not None:
        chosen = NOTHING if pair.quality.by_direct.kind == "identity" else direct
    return Way(chains, hub, direct, chosen, pair)


class Judge:
    """Asks members' collections and judges what is found, with one value per question."""

    def __init__(self, data: DataSet) -> None:
        """Judge by the questions and judgments of `data`."""
        self._names = list(data.documents)
        self.grades = [data.judgments[question] for question in data.questions]

    def of_rows(self, found: NDArray[np.int64]) -> PerQuestion:
        """Judge (n, k) row numbers of documents, best first."""
        return self.of_ids([[self._names[at] for at in row] for row in found])

    def of_ids(self, rankings: Sequence[Sequence[str]]) -> PerQuestion:
        """Judge n rankings of document ids."""
        return per_question(rankings, self.grades)

    def natively(self, member: Member) -> PerQuestion:
        """Judge a model that is asked by itself, over one index of all documents."""
        return self.of_rows(top_k(member.questions, member.searched, DEPTH))


def native_figures(members: Sequence[Member], natives: Sequence[PerQuestion]) -> list[Native]:
    """Return what each model finds by itself."""
    return [
        Native(model=each.name, dimension=each.documents.shape[1], figures=estimates(values))
        for each, values in zip(members, natives, strict=True)
    ]


def route_figures(
    ways: Ways, members: Sequence[Member], natives: Sequence[PerQuestion], judge: Judge
) -> list[RouteFigures]:
    """Measure every route of every ordered pair of members."""
    rows: list[RouteFigures] = []
    for (a, b), way in ways.items():
        values = judged(way, members[a], members[b], judge)
        own = top_k(members[b].questions, members[b].searched)
        for name, each in values.items():
            found = top_k(mapped(members[a].questions, way.chains[name]), members[b].searched)
            rows.append(
                RouteFigures(
                    asker=members[a].name,
                    responder=members[b].name,
                    route=name,
                    role=_role(way, name),
                    figures=estimates(each),
                    overlap_10=estimate(overlap(found, own)),
                    promised_overlap_10=_promised(way) if name == way.chosen else None,
                    against_asker=paired_difference(each["ndcg_10"], natives[a]["ndcg_10"]),
                    against_responder=paired_difference(each["ndcg_10"], natives[b]["ndcg_10"]),
                )
            )
    return rows


def judged(way: Way, asker: Member, responder: Member, judge: Judge) -> dict[str, PerQuestion]:
    """Judge each route of a way."""
    return {
        name: judge.of_rows(_found(asker.questions, chain, responder.searched))
        for name, chain in way.chains.items()
    }


def best_of(values: Mapping[str, PerQuestion], kind: str) -> str:
    """Return the route of a kind (`HUB`, `DIRECT`) that is best in hindsight by nDCG@10."""
    names = [name for name in values if name.startswith(kind)]
    return max(names, key=lambda name: float(values[name]["ndcg_10"].mean()))


def _found(questions: Floats, chain: Chain, documents: Floats) -> NDArray[np.int64]:
    return top_k(mapped(questions, chain), documents, DEPTH)


def _role(way: Way, name: str) -> str:
    if name == way.chosen:
        return "chosen"
    return "chosen of its kind" if name in (way.hub, way.direct) else ""


def _promised(way: Way) -> float:
    by_direct = way.pair.quality.by_direct
    figures = way.pair.quality.card.figures if by_direct is None else by_direct.figures
    return figures["overlap_10"].value
