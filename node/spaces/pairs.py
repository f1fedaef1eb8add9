"""Who asks whom: the pair of maps that is best for it, and how well it does.

The rule of this file: for each asker and each responder, the kind of the map in and the kind of the
map out are chosen together by known items on the validation part, and what was chosen is measured
on the test part, beside what doing nothing gives and what both models reach by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from adapters.choose import choose
from adapters.direction import check_direction
from adapters.errors import FitRefused
from adapters.identity import fit_identity, fit_mean
from adapters.map import Chain, Map
from adapters.metrics import (
    Estimate,
    Values,
    estimate,
    known_item_ndcg,
    known_item_ranks,
    reciprocal_ranks,
)
from adapters.quality import HeldOut, QualityCard, known_item_values, measure, route_values
from node.spaces.direct import DirectQuality, fit_direct
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.errors import EmbeddingsRefused
from node.spaces.maps import Ground, Party, Rows, held_out, scored_by


class PairQuality(BaseModel):
    """One asker asking one responder through the shared space.

    `in_kind` and `out_kind` are the chosen kinds. `mrr` holds every combination's validation MRR as
    `in>out`; `lead` is the chosen one's, paired, over the runner-up. `card` was measured on the
    test part: figures beside the baselines identity and mean and the natives of both. `direct` is
    the way that leaves the shared space out.
    """

    model_config = ConfigDict(frozen=True)

    asker: str
    asker_space: str
    responder: str
    responder_space: str
    in_kind: str
    out_kind: str
    mrr: dict[str, Estimate]
    lead: Estimate | None
    card: QualityCard
    direct: DirectQuality | None = None

    @property
    def chosen(self) -> Estimate:
        """The validation MRR of the chosen kinds."""
        return self.mrr[f"{self.in_kind}>{self.out_kind}"]

    @property
    def by_direct(self) -> DirectQuality | None:
        """The direct way, where it is the better one."""
        return self.direct if self.direct is not None and self.direct.is_used else None


@dataclass(frozen=True, eq=False)
class MeasuredPair:
    """What was measured of a pair, and the direct map between the two."""

    quality: PairQuality
    direct: Map | None


class OutQuality(BaseModel):
    """One map out of the shared space, over all members that were measured asking through it.

    `mrr` is from the validation part and orders the maps. `figures` are from the test part: mrr,
    ndcg_10, recall_10, overlap_10; mrr_native and ndcg_10_native, which the responder's own model
    reaches, and mrr_asker and ndcg_10_asker, which the askers' own models do.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    mrr: float
    figures: dict[str, Estimate]
    held_out: int


def measure_pair(ground: Ground, asker: Party, responder: Party) -> MeasuredPair:
    """Choose the kinds for one asker and one responder, and measure them and the direct way."""
    kinds = [(a, b) for a in asker.inward for b in responder.outward]
    chains = [(asker.inward[a], responder.outward[b]) for a, b in kinds]
    validation = _part(ground, ground.anchors.split.validation, asker, responder)
    choice = choose(chains, validation)
    in_kind, out_kind = kinds[choice.index]
    _check_direction(chains[choice.index], validation, asker, responder)
    card = measure(
        chains[choice.index],
        _baselines(ground, asker.embeddings, responder.embeddings),
        _part(ground, ground.anchors.split.test, asker, responder),
        fitted_on=len(_fit_rows(ground, asker.embeddings, responder.embeddings)),
        chosen_on=len(validation.source_questions),
    )
    direct = fit_direct(ground, asker, responder, chains[choice.index])
    quality = PairQuality(
        asker=asker.embeddings.organisation,
        asker_space=asker.embeddings.space_id,
        responder=responder.embeddings.organisation,
        responder_space=responder.embeddings.space_id,
        in_kind=in_kind,
        out_kind=out_kind,
        mrr={f"{a}>{b}": figure for (a, b), figure in zip(kinds, choice.mrr, strict=True)},
        lead=choice.lead,
        card=card,
        direct=None if direct is None else direct.quality,
    )
    return MeasuredPair(quality, None if direct is None else direct.map)


def measure_out(ground: Ground, responder: Party, askers: Sequence[Party]) -> list[OutQuality]:
    """Measure each map out of the space over all askers, each by its best map in; best first."""
    measured = []
    for kind, out in responder.outward.items():
        chains = [_best_chain(ground, asker, responder, out) for asker in askers]
        parts = [_part(ground, ground.anchors.split.test, asker, responder) for asker in askers]
        values = [route_values(chain, part) for (chain, _), part in zip(chains, parts, strict=True)]
        figures = {name: _pooled([each[name] for each in values]) for name in values[0]}
        for whose, sides in {
            "native": [_natively(part) for part in parts],
            "asker": [_askers_own(part) for part in parts],
        }.items():
            ranks = [known_item_ranks(s.source_questions, s.source_documents) for s in sides]
            figures[f"mrr_{whose}"] = _pooled([reciprocal_ranks(each) for each in ranks])
            figures[f"ndcg_10_{whose}"] = _pooled([known_item_ndcg(each) for each in ranks])
        mean = sum(mrr for _, mrr in chains) / len(chains)
        asked = min(len(part.source_questions) for part in parts)
        measured.append(OutQuality(kind=kind, mrr=mean, figures=figures, held_out=asked))
    return sorted(measured, key=lambda each: -each.mrr)


def choose_scoring(ground: Ground, responder: Party, askers: Sequence[Party]) -> str:
    """Return the kind of map in by which the responder's documents are best found in the space."""

    def found_by(kind: str) -> float:
        inward = responder.inward[kind]
        total = 0.0
        for asker in askers:
            part = _part(ground, ground.anchors.split.validation, asker, responder)
            inside = scored_by(part, inward)
            total += max(
                float(known_item_values((each,), inside).mean()) for each in asker.inward.values()
            )
        return total

    return max(responder.inward, key=found_by)


def usual_in(own: Party, pairs: Sequence[PairQuality]) -> str:
    """Return the kind of map in that serves best on average, for partners not measured yet."""
    asked = [pair for pair in pairs if pair.asker_space == own.embeddings.space_id]

    def served(kind: str) -> float:
        return sum(
            max(mrr.value for name, mrr in pair.mrr.items() if name.startswith(f"{kind}>"))
            for pair in asked
        )

    return max(own.inward, key=served)


def _best_chain(ground: Ground, asker: Party, responder: Party, out: Map) -> tuple[Chain, float]:
    """Return the asker's best map in before `out`, and its validation MRR."""
    part = _part(ground, ground.anchors.split.validation, asker, responder)
    chains = [(inward, out) for inward in asker.inward.values()]
    choice = choose(chains, part)
    return chains[choice.index], choice.mrr[choice.index].value


def _check_direction(chain: Chain, part: HeldOut, asker: Party, responder: Party) -> None:
    """Refuse a member whose views or spaces were exchanged (EmbeddingsRefused)."""
    try:
        check_direction(chain, part)
    except FitRefused as error:
        raise EmbeddingsRefused(
            f"{asker.embeddings.organisation} cannot ask {responder.embeddings.organisation} by "
            f"these embeddings: {error}",
            fix="Ask both to export their anchor embeddings again.",
        ) from None


def _part(ground: Ground, rows: Rows, asker: Party, responder: Party) -> HeldOut:
    return held_out(ground, rows, asker.embeddings, responder.embeddings)


def _baselines(
    ground: Ground, asker: AnchorEmbeddings, responder: AnchorEmbeddings
) -> dict[str, Chain]:
    """Return what one gets without a map, and from knowing only where the documents lie."""
    rows = _fit_rows(ground, asker, responder)
    pairs = asker.document[rows], responder.document[rows]
    spaces = asker.space_id, responder.space_id
    return {"identity": (fit_identity(*pairs, *spaces),), "mean": (fit_mean(*pairs, *spaces),)}


def _fit_rows(ground: Ground, asker: AnchorEmbeddings, responder: AnchorEmbeddings) -> Rows:
    """Return the anchors (m,) that both fitted on."""
    rows = ground.positions.rows
    return rows[asker.usable[rows] & responder.usable[rows]]


def _natively(part: HeldOut) -> HeldOut:
    """The same questions, asked with the responder's own model."""
    return HeldOut(
        part.target_questions, part.target_documents, part.target_questions, part.target_documents
    )


def _askers_own(part: HeldOut) -> HeldOut:
    """The same questions, asked with the asker's own model among its own documents."""
    return HeldOut(
        part.source_questions, part.source_documents, part.source_questions, part.source_documents
    )


def _pooled(values: Sequence[Values]) -> Estimate:
    """The mean over askers with its interval, question by question where all asked the same."""
    if len({len(each) for each in values}) == 1:
        return estimate(np.mean(values, axis=0))
    return estimate(np.concatenate(values))
