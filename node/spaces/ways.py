"""Which way a question takes to a partner, and by which way a partner's question comes in.

The rule of this file: everything was measured at joining. Ways through a shared space and ways
without one are compared by the same figure, MRR of the validation anchors. Documents are scored in
the space in which the question came.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters.metrics import Estimate
from node.federation.routing import Inbound, Plan
from node.spaces.agreement import over_askers
from node.spaces.state import JoinedSpace
from protocol.card import Card, Figure, Route
from protocol.envelope import Envelope
from protocol.problems import Code, Refused

UNMEASURED = -1.0
CLAIMED = -0.5
"""Worth of a way that only the partner has measured: a direct one is offered where it is better."""


@dataclass(frozen=True)
class _Ranked:
    """A plan and its worth: a measured MRR, or less than any where nothing was measured here."""

    worth: float
    plan: Plan


def inbound(joined: Sequence[JoinedSpace], space: str, route: str | None) -> Inbound:
    """Return how a question in `space` reaches the native space of `joined`, by `route` if named.

    Raises Refused (authenticated): route-unknown.
    """
    for each in joined:
        found = _shared(each, route) if space == each.hub else _direct(each, space, route)
        if found is not None:
            return found
    raise Refused(
        Code.ROUTE_UNKNOWN,
        f"{route} does not lead from {space} to {joined[0].native}",
        authenticated=True,
        detail="no adapter here has this digest for these spaces; fetch the card anew",
    )


def plan(joined: Sequence[JoinedSpace], own: Envelope, card: Card, into: str | None) -> Plan | None:
    """Return how a question in the space of `own`, which joined those spaces, is best asked."""
    plans = [
        *(ranked for each in joined for ranked in _through(each, card, into)),
        *_without(joined, own, card, into),
    ]
    return max(plans, key=lambda ranked: ranked.worth).plan if plans else None


def shared_routes(joined: JoinedSpace) -> Iterator[Route]:
    """The routes out of a shared space into a native one, best first, for the card."""
    for out in joined.joined.outward:
        yield Route(
            space=joined.hub,
            into=joined.native,
            adapter=out.map.adapter,
            kind=out.map.kind,
            quality=dict(_figures(out.quality.figures | _agreement(joined, out.map.kind))),
            held_out=out.quality.held_out,
        )


def direct_routes(joined: JoinedSpace) -> Iterator[Route]:
    """The routes from other members' own spaces into a native one, for the card."""
    for way in joined.direct.values():
        yield Route(
            space=way.kept.asker_space,
            into=joined.native,
            adapter=way.kept.map.adapter,
            kind=way.kept.map.kind,
            quality=dict(_figures(way.kept.figures)),
            held_out=way.kept.held_out,
        )


def _agreement(joined: JoinedSpace, out_kind: str) -> dict[str, Estimate]:
    """What was found in the own collection of the askers that take this map out."""
    asked = [pair for pair in joined.joined.pairs if pair.out_kind == out_kind]
    found = joined.joined.agreement
    return over_askers([found[pair.asker_space] for pair in asked if pair.asker_space in found])


def _shared(joined: JoinedSpace, route: str | None) -> Inbound | None:
    for out in joined.joined.outward:
        if route in (None, out.map.adapter):
            return Inbound(
                score_space=joined.hub,
                into=joined.native,
                out_map=joined.outward[out.map.kind],
                rescore_map=joined.inward[joined.joined.scoring],
                adapter=out.map.adapter,
                kind=out.map.kind,
                figures=_figures(out.quality.figures),
                correction=joined.correction,
                usual=joined.joined.usual.get("corrected" if joined.correction else "cosine"),
            )
    return None


def _direct(joined: JoinedSpace, space: str, route: str | None) -> Inbound | None:
    way = joined.direct.get(space)
    if way is None or route not in (None, way.kept.map.adapter):
        return None
    return Inbound(
        score_space=space,
        into=joined.native,
        out_map=way.map,
        rescore_map=way.back,
        adapter=way.kept.map.adapter,
        kind=way.kept.map.kind,
        figures=_figures(way.kept.figures),
    )


def _through(joined: JoinedSpace, card: Card, into: str | None) -> Iterator[_Ranked]:
    """The plans through one shared space, one for each space that the card's routes reach."""
    for target in _targets(card, joined.hub, into):
        routes = card.routes_from(joined.hub, target)
        pair = joined.joined.pair(joined.native, target)
        in_kind = joined.joined.usual_in if pair is None else pair.in_kind
        out_kind = routes[0].kind if pair is None else pair.out_kind
        route = next((each for each in routes if each.kind == out_kind), routes[0])
        yield _Ranked(
            UNMEASURED if pair is None else pair.chosen.value,
            Plan(
                envelope=joined.manifest.envelope,
                in_map=joined.inward[in_kind],
                own_adapter=joined.digest_in(in_kind),
                route=route.adapter,
                scale=joined.joined.scale(target),
                figures={} if pair is None else _figures(pair.card.figures),
            ),
        )


def _without(
    joined: Sequence[JoinedSpace], own: Envelope, card: Card, into: str | None
) -> Iterator[_Ranked]:
    """The plans that leave the shared space out: the partner takes questions in the own space."""
    for target in _targets(card, own.space_id, into):
        route = card.routes_from(own.space_id, target)[0]
        pairs = (each.joined.pair(own.space_id, target) for each in joined)
        quality = next((pair.direct for pair in pairs if pair and pair.direct), None)
        yield _Ranked(
            CLAIMED if quality is None else quality.mrr[quality.kind].value,
            Plan(
                envelope=own,
                route=route.adapter,
                figures={} if quality is None else _figures(quality.figures),
            ),
        )


def _targets(card: Card, space: str, into: str | None) -> list[str]:
    """The spaces to which the card has routes from `space`; only `into` if that is set."""
    reached = dict.fromkeys(route.into for route in card.routes if route.space == space)
    return [target for target in reached if into in (None, target) and target != space]


def _figures(estimates: Mapping[str, Estimate]) -> Mapping[str, Figure]:
    return {name: Figure.of(one.value, one.low, one.high) for name, one in estimates.items()}
