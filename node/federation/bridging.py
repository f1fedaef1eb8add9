"""Ways into a collection over its bridges: maps between the spaces of its old and new version.

The rule of this file: a bridge is the last way, taken where none that was measured between partners
leads to a version that answers, and always told: its kind is `bridge` where the question lies in
the bridge's own space, `chained` where a map of its own brought it there first. Figures of chains
are called so, because nobody has measured the whole way; they stand beside those of the first map.
Each collection takes its own map, unless another one's of the same direction is asked for by name.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from node.collections.bridge import Bridge
from node.federation.routing import Inbound, Plan, Routes
from protocol.card import Card, Figure, Route
from protocol.envelope import Envelope
from protocol.problems import Code, Refused

if TYPE_CHECKING:
    from node.collections.standing import Standing
    from node.collections.version import Version

BRIDGE, CHAINED = "bridge", "chained"
FoundT = TypeVar("FoundT")


class OverBridges:
    """The routes of a node (`Routes`), and where they end, a collection's bridges.

    `others` are those of other collections; they are taken where they are named, and this
    collection has one of the same direction: a card shows one of each direction.
    """

    def __init__(
        self, routes: Routes, bridges: Sequence[Bridge], others: Sequence[Bridge] = ()
    ) -> None:
        self._routes, self._bridges = routes, bridges
        own = {(one.source, one.target) for one in bridges}
        self._named = [*bridges, *(one for one in others if (one.source, one.target) in own)]

    def accepted(self, into: str) -> tuple[str, ...]:
        """Space ids, other than `into`, in which questions to a collection in `into` may come."""
        found = [*self._routes.accepted(into)]
        for bridge in self._into(into):
            found += [bridge.source, *self._routes.accepted(bridge.source)]
        return tuple(space for space in dict.fromkeys(found) if space != into)

    def inbound(self, space: str, route: str | None, into: str) -> Inbound:
        """How a question in `space` reaches a collection in `into`, by the map `route` if named.

        Raises Refused (authenticated): space-not-accepted, or route-unknown.
        """
        try:
            return self._routes.inbound(space, route, into)
        except Refused as refused:
            if refused.code is not Code.SPACE_NOT_ACCEPTED:
                raise
            there = [bridge for bridge in self._named if bridge.target == into]
            found = [way for bridge in there if (way := self._way(space, bridge))]
            if not found:
                raise
        for way in found:
            if route in (None, way.adapter):
                return way
        raise Refused(
            Code.ROUTE_UNKNOWN,
            f"{route} does not lead from {space} to {into}",
            authenticated=True,
            detail="no adapter here has this digest for these spaces; fetch the card anew",
        )

    def plan(self, own: Envelope, card: Card, into: str | None) -> Plan:
        """How a partner is asked: the own bridges have no part in it."""
        return self._routes.plan(own, card, into)

    def _into(self, into: str) -> Iterator[Bridge]:
        return (bridge for bridge in self._bridges if bridge.target == into)

    def _way(self, space: str, bridge: Bridge) -> Inbound | None:
        """The way over one bridge, by the first map that leads to it; None where none does."""
        try:
            first = self._routes.inbound(space, None, bridge.source)
        except Refused:
            return None
        direct = first.adapter is None
        return replace(
            first,
            into=bridge.target,
            bridge=bridge,
            adapter=bridge.adapter if direct else chained(first.adapter or "", bridge.adapter),
            kind=BRIDGE if direct else CHAINED,
            figures=_told(bridge) if direct else _told_of_chain(first, bridge),
            correction=None,  # its offset was measured in the bridge's own space
            usual=None,
        )


def reach_first(
    standing: "Standing",
    routes: Routes,
    reach: Callable[["Version", Routes], FoundT],
    unreachable: type[Exception],
    others: Sequence[Bridge] = (),
) -> "tuple[Version, FoundT]":
    """Return the first answering version that is reached, without a bridge or else over one.

    `others`: see `OverBridges`. Raises what was raised for the serving version without bridges.
    """
    try:
        return standing.first_reached(lambda version: reach(version, routes), unreachable)
    except unreachable:
        if not standing.bridges:
            raise
        over = OverBridges(routes, standing.bridges, others)
        try:
            return standing.first_reached(lambda version: reach(version, over), unreachable)
        except unreachable as last:
            if isinstance(last, Refused) and last.code is Code.ROUTE_UNKNOWN:
                raise
        raise


def accepted_by(standing: "Standing", routes: Routes) -> list[str]:
    """Return the spaces in which questions are answered: each version's own first, then others."""
    over = OverBridges(routes, standing.bridges)
    natively = [
        space
        for version in standing.answering
        for space in (version.space_id, *routes.accepted(version.space_id))
    ]
    bridged = [space for one in standing.answering for space in over.accepted(one.space_id)]
    return list(dict.fromkeys([*natively, *bridged]))


def routes_over(standing: "Standing", routes: Routes) -> Iterator[Route]:
    """The routes over a collection's bridges, for the card; none where a better way leads in."""
    natively = {
        space
        for version in standing.answering
        for space in (version.space_id, *routes.accepted(version.space_id))
    }
    over = OverBridges(routes, standing.bridges)
    for version in standing.answering:
        for space in over.accepted(version.space_id):
            if space not in natively:
                way = over.inbound(space, None, version.space_id)
                yield Route(
                    space=space,
                    into=version.space_id,
                    adapter=way.adapter,
                    kind=way.kind,
                    quality=dict(way.figures),
                    held_out=0 if way.bridge is None else way.bridge.card.held_out,
                )


def chained(first: str, bridge: str) -> str:
    """Return what names a chain: a digest of its two adapters' digests, in their order."""
    named = f"interlingua chain v1\0{first}\0{bridge}"
    return "sha256:" + hashlib.sha256(named.encode()).hexdigest()


def _told(bridge: Bridge) -> dict[str, Figure]:
    """The bridge's figures; agreement is with the index's own model, `native_mrr` what that has."""
    card = bridge.card
    named = {("agreement_10" if name == "overlap_10" else name): one for name, one in
             card.figures.items()}  # fmt: skip
    named["native_mrr"] = card.natives["target"]
    return {name: Figure.of(one.value, one.low, one.high) for name, one in named.items()}


def _told_of_chain(first: Inbound, bridge: Bridge) -> Mapping[str, Figure]:
    figures = {f"chained_{name}": one for name, one in _told(bridge).items()}
    return {**figures, **{f"before_chain_{name}": one for name, one in first.figures.items()}}
