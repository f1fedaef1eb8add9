"""How an own encoder reaches a partner's collection: the verdict that people are shown.

The rule of this file: what is shown before asking is what asking would do, for it is made of the
same plan. `adaptable` stands with the figures of the whole way as they were measured here, and with
the partner's own beside them; `incompatible` with what differs, and what would mend it.
"""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from node.federation.ask import FigureShown
from node.federation.planning import plan_for
from node.federation.readings import figures_shown
from node.federation.routing import NoRoute, Plan, Routes
from protocol.card import Card, Route
from protocol.verdict import Kind, compare

if TYPE_CHECKING:
    from collections.abc import Iterable

    from node.encoders.encoder import Encoder

_BEST_FIRST: tuple[Kind, ...] = ("same", "adaptable", "incompatible")


class Reach(BaseModel):
    """One own encoder and one collection of a partner.

    `through` names the shared space (None: the partner maps from the own space itself), `kind` the
    maps (`procrustes+ridge`), `own_adapter` and `adapter` their files; `figures` were measured by
    this node for the whole way, none where it does not have the partner's anchor embeddings,
    `partner_figures` by the partner for its own map. `apart` is the distance of the probe sketches,
    `recognised` says that the models are one under two names. `cut_to`: own vectors are cut to so
    many components, which are the partner's space (Matryoshka).
    """

    model_config = ConfigDict(frozen=True)

    encoder: str
    verdict: Kind
    cut_to: int | None = None
    through: str | None = None
    kind: str | None = None
    own_adapter: str | None = None
    adapter: str | None = None
    figures: dict[str, FigureShown] = {}
    partner_figures: dict[str, FigureShown] = {}
    apart: float | None = None
    recognised: bool = False
    reasons: tuple[str, ...] = ()
    fix: str | None = None

    def in_words(self) -> str:
        """The verdict in one line, with its figures."""
        if self.cut_to is not None:
            return f"same, cut to {self.cut_to} components"
        if self.verdict != "adaptable":
            return self.verdict
        figures, theirs = self.figures or self.partner_figures, self.partner_figures
        whose = "" if self.figures else ", by its own account"
        mrr = figures.get("mrr")
        told = "not measured" if mrr is None else f"MRR {_interval(mrr)}{whose}"
        if "chained_mrr" in theirs:
            told = "chained, not measured as a whole"
        told += self._agreement()
        way = "directly" if self.through is None else f"through {self.through}"
        return f"adaptable {way} ({self.kind}; {told})"

    def _agreement(self) -> str:
        """How far the partner's own model agrees, by its account or by the anchors here."""
        theirs = self.partner_figures
        documents = "on the owner's documents"
        named = {
            documents: theirs.get("agreement_10") if "native_mrr" in theirs else None,
            f"{documents}, of the last link": theirs.get("chained_agreement_10"),
            "on shared sample questions": theirs.get("agreement_10"),
            "an estimate": theirs.get("agreement_10_estimated"),
            "on anchors alone": (self.figures or theirs).get("overlap_10"),
        }
        for how, figure in named.items():
            if figure is not None:
                return f", agreement {_interval(figure)}, {how}"
        return ""


async def reach(encoder: "Encoder", card: Card, into: str, routes: Routes) -> Reach:
    """Say how questions of an own encoder reach the card owner's collection in the space `into`."""
    own = encoder.envelope
    wanted = card.by_space.get(into)
    found = compare(own, wanted) if wanted is not None else None
    measured = {} if found is None else {"apart": found.apart, "recognised": found.recognised}
    try:
        plan = await plan_for(encoder, card, into, routes)
    except NoRoute as error:
        return Reach(
            encoder=encoder.name,
            verdict="incompatible",
            reasons=(str(error),) if found is None else found.reasons,
            fix=error.fix or None,
            **measured,
        )
    if plan.in_map is None and plan.route is None:
        cut = plan.envelope.dimension if plan.cut else None
        return Reach(encoder=encoder.name, verdict="same", cut_to=cut, **measured)
    return _adaptable(encoder.name, plan, card, into).model_copy(
        update={**measured, "reasons": () if found is None else found.reasons}
    )


def best(found: "Iterable[Reach]") -> Reach | None:
    """Return the nearest of several encoders, None without any."""
    return min(found, key=lambda each: _BEST_FIRST.index(each.verdict), default=None)


def _adaptable(encoder: str, plan: Plan, card: Card, into: str) -> Reach:
    route = _route(plan, card, into)
    kinds: list[str] = [plan.in_map.kind] if plan.in_map is not None else []
    kinds += [route.kind] if route is not None else []
    return Reach(
        encoder=encoder,
        verdict="adaptable",
        through=None if plan.in_map is None else plan.envelope.model,
        kind="+".join(kinds),
        own_adapter=plan.own_adapter,
        adapter=plan.route,
        figures=figures_shown(plan.figures),
        partner_figures={} if route is None else figures_shown(route.quality),
    )


def _route(plan: Plan, card: Card, into: str) -> Route | None:
    offered = card.routes_from(plan.envelope.space_id, into)
    return next((each for each in offered if each.adapter == plan.route), None)


def _interval(figure: FigureShown) -> str:
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
