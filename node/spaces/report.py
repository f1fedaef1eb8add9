"""What people and programs are shown of a shared space: the table of measured routes.

The rule of this file: a figure never stands alone. Beside each route stand what doing nothing
gives and what both models reach by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

if TYPE_CHECKING:
    from adapters.metrics import Estimate
    from node.spaces.direct import DirectQuality
    from node.spaces.manifest import SpaceManifest
    from node.spaces.pairs import PairQuality
    from node.spaces.size_advice import SizeAdvice
    from node.spaces.state import JoinedSpace


class FigureRow(BaseModel):
    """One measured figure with its 95% interval."""

    value: float
    low: float
    high: float


class SizeShown(BaseModel):
    """What was reached with fewer anchors: `mrr` by their number, from one member to another.

    `doubled` is the gain that twice as many as there are should bring; it is extrapolated.
    """

    asker: str
    responder: str
    mrr: dict[int, FigureRow]
    doubled: FigureRow


class FounderShown(BaseModel):
    """A founding member; `shift` is how far leaving it out moves the consensus (1 - cosine)."""

    organisation: str
    space: str
    dimension: int
    shift: float | None


class AgreementRow(BaseModel):
    """How often an asker's questions find what the own model does (node/spaces/agreement.py)."""

    figure: FigureRow
    measured: bool
    questions: int


class RouteRow(BaseModel):
    """One asker asking one responder through the shared space, measured on held-out anchors.

    `route` is the kind of map in, then out; `lead` the chosen pair's MRR over the runner-up's on
    the validation part. `identity` and `mean` are the MRR of doing nothing, `asker_native` and
    `responder_native` what both models reach by themselves. `overlap_10` is agreement with the
    responder's model, which is not quality.

    `direct` is the kind of the best map that leaves the shared space out, `direct_mrr` its MRR on
    the same questions, `direct_lead` its lead on the validation part; `by` is the way taken.
    """

    asker: str
    responder: str
    route: str
    questions: int
    mrr: FigureRow
    ndcg_10: FigureRow
    recall_10: FigureRow
    overlap_10: FigureRow
    identity: FigureRow
    mean: FigureRow
    asker_native: FigureRow
    responder_native: FigureRow
    lead: FigureRow | None
    direct: str | None = None
    direct_mrr: FigureRow | None = None
    direct_lead: FigureRow | None = None
    by: Literal["shared", "direct"] = "shared"


class OutRow(BaseModel):
    """One own map out of the shared space as partners see it on the card."""

    kind: str
    adapter: str
    figures: dict[str, FigureRow]


class SpaceInfo(BaseModel):
    """One native space of this node in a shared space.

    `agreement`: by asker, how often its mapped questions find what the own model finds in the own
    collection. `method` is how the consensus was made, `consensus_checked` whether it was computed
    again from all founders' embeddings, `replaces` the digest of the manifest whose place it takes.
    """

    name: str
    space: str
    native: str
    model: str
    author: str
    founder: bool
    members: tuple[str, ...]
    method: str
    consensus_checked: bool
    replaces: str | None = None
    agreement: dict[str, AgreementRow] = {}
    advice: SizeShown | None = None
    out: tuple[OutRow, ...]
    routes: tuple[RouteRow, ...]


def space_info(space: JoinedSpace) -> SpaceInfo:
    """Return what is shown of one native space in a shared space."""
    manifest, joined = space.manifest, space.joined
    founder = manifest.founder(joined.organisation, space.native)
    known = {each.organisation for each in joined.members}
    founders = {each.organisation for each in manifest.founders}
    return SpaceInfo(
        name=manifest.name,
        space=space.hub,
        native=space.native,
        model=joined.native.model,
        author=manifest.author,
        founder=founder is not None,
        members=tuple(sorted(known | founders | {joined.organisation})),
        method=manifest.method,
        consensus_checked=joined.consensus_apart is not None,
        replaces=manifest.replaces,
        agreement={
            pair.asker: AgreementRow(
                figure=figure_row(found.figure), measured=found.measured, questions=found.questions
            )
            for pair in joined.pairs
            if (found := joined.agreement.get(pair.asker_space)) is not None
            and pair.responder_space == space.native
        },
        advice=size_shown(joined.advice),
        out=tuple(
            OutRow(
                kind=out.map.kind,
                adapter=out.map.adapter,
                figures={name: figure_row(one) for name, one in out.quality.figures.items()},
            )
            for out in joined.outward
        ),
        routes=tuple(route_row(pair) for pair in joined.pairs),
    )


def route_row(pair: PairQuality) -> RouteRow:
    """Return one measured pair as a row."""
    card = pair.card
    return RouteRow(
        asker=pair.asker,
        responder=pair.responder,
        route=f"{pair.in_kind}>{pair.out_kind}",
        questions=card.held_out,
        mrr=figure_row(card.figures["mrr"]),
        ndcg_10=figure_row(card.figures["ndcg_10"]),
        recall_10=figure_row(card.figures["recall_10"]),
        overlap_10=figure_row(card.figures["overlap_10"]),
        identity=figure_row(card.baselines["identity"]),
        mean=figure_row(card.baselines["mean"]),
        asker_native=figure_row(card.natives["source"]),
        responder_native=figure_row(card.natives["target"]),
        lead=None if pair.lead is None else figure_row(pair.lead),
        **_direct_fields(pair.direct),
    )


def _direct_fields(direct: DirectQuality | None) -> dict[str, Any]:
    if direct is None:
        return {}
    return {
        "direct": direct.kind,
        "direct_mrr": figure_row(direct.figures["mrr"]),
        "direct_lead": figure_row(direct.lead),
        "by": "direct" if direct.is_used else "shared",
    }


def size_shown(advice: SizeAdvice | None) -> SizeShown | None:
    """Return what more anchors would bring as rows, None where it could not be told."""
    if advice is None:
        return None
    return SizeShown(
        asker=advice.asker,
        responder=advice.responder,
        mrr={each.anchors: figure_row(each.mrr) for each in advice.points},
        doubled=figure_row(advice.doubled),
    )


def founders_shown(manifest: SpaceManifest) -> tuple[FounderShown, ...]:
    """Return the founding members with how far each moves the consensus."""
    return tuple(
        FounderShown(
            organisation=each.organisation,
            space=each.space,
            dimension=each.dimension,
            shift=None if each.shift_micro is None else each.shift_micro / 1e6,
        )
        for each in manifest.founders
    )


def figure_row(one: Estimate) -> FigureRow:
    """Return an estimate as a row."""
    return FigureRow(value=one.value, low=one.low, high=one.high)
