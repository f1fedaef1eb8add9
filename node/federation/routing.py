"""Ways between spaces, as far as asking and answering need to know them.

`Spaces` (node/spaces) knows adapters and shared spaces; `SameSpace` is a node that has none, which
is all that partners with one model need. The responder asks `inbound`: how do vectors in the
question's space get into a collection's? The asker asks `plan`: in which space, and by which map of
the partner's, is its collection best asked? `own_route` is `inbound` for the own collections.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from adapters.scale import AS_TOLD, Scale
from node.federation.mismatch import differences, way_out
from node.federation.scoring import Scoring
from node.index.located import Located
from protocol.card import Card, Figure
from protocol.envelope import Envelope
from protocol.probe import adopt
from protocol.problems import Code, Refused
from protocol.score_kind import ScoreKind

if TYPE_CHECKING:
    from adapters.affine import AffineMap
    from adapters.confidence import TopScores
    from adapters.corrected import Correction
    from adapters.map import Map
    from node.collections.bridge import Bridge

IDENTITY = "identity"
"""The kind of a way on which nothing is mapped."""


class NoRoute(Exception):
    """No way leads from the one space to the other; the message says between which.

    `fix` is what would make one, empty where nobody can tell.
    """

    def __init__(self, cause: str, *, fix: str = "") -> None:
        super().__init__(cause)
        self.fix = fix


@dataclass(frozen=True)
class Inbound:
    """How vectors in a question's space are searched in a collection's space, and scored.

    `out_map` leads from the question's space into the collection's, which is `into`; `rescore_map`
    from there into `score_space`; both are None within one space. `adapter` is the file digest of
    `out_map`, `kind` its kind; `figures` were measured on held-out anchors. With a `correction`
    scores are corrected, else they are cosines. `usual` says which best scores are usual on the
    way, None where that was not measured. With a `bridge` both maps end or begin at its source:
    questions are then carried over it, and documents back.
    """

    score_space: str
    into: str
    out_map: "Map | None" = None
    rescore_map: "AffineMap | None" = None
    adapter: str | None = None
    kind: str = IDENTITY
    figures: Mapping[str, Figure] = field(default_factory=dict)
    correction: "Correction | None" = None
    usual: "TopScores | None" = None
    bridge: "Bridge | None" = None

    @property
    def score_kind(self) -> ScoreKind | None:
        """What the scores are in `score_space`; None: cosines."""
        return None if self.correction is None else "corrected"

    @property
    def scoring(self) -> Scoring:
        """How what is found is scored."""
        back = None if self.bridge is None else self.bridge.back
        return Scoring(self.rescore_map, self.correction, back)

    def carried(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return vectors (n, d) of the question's space in the collection's."""
        there = vectors if self.out_map is None else self.out_map.apply(vectors)
        return there if self.bridge is None else self.bridge.forth.apply(there)


@dataclass(frozen=True)
class Plan:
    """How a partner's collection is best asked.

    The question travels in `envelope`'s space, into which `in_map` leads from the own one (None:
    they are one, whatever id the partner has minted for it); `own_adapter` is the file digest of
    `in_map`. `route` is the digest of the partner's map that is asked for, None where the partner
    has nothing to map. `figures` were measured here, for the whole way from own space to partner's.
    With `cut` the own vectors are cut to the envelope's dimension, and lie in its space then.
    `scale` was fitted here: it says what corrected scores count for where lists are merged.
    """

    envelope: Envelope
    in_map: "Map | None" = None
    own_adapter: str | None = None
    route: str | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    cut: bool = False
    scale: Scale = AS_TOLD


class Routes(Protocol):
    """What asking and answering need of the spaces that a node knows."""

    def accepted(self, into: str) -> tuple[str, ...]:
        """Space ids, other than `into`, in which questions to a collection in `into` may come."""

    def inbound(self, space: str, route: str | None, into: str) -> Inbound:
        """How a question in `space` reaches a collection in `into`, by the map `route` if named.

        Raises Refused (authenticated): space-not-accepted, or route-unknown.
        """

    def plan(self, own: Envelope, card: Card, into: str | None) -> Plan:
        """How a question in the space of `own` is best asked of a collection in `into`.

        `into` is None where the collection's space is not known. Raises NoRoute.
        """


class SameSpace:
    """The routes of a node without adapters: only a question in the collection's own space."""

    def accepted(self, into: str) -> tuple[str, ...]:
        """None."""
        del into
        return ()

    def inbound(self, space: str, route: str | None, into: str) -> Inbound:
        """Nothing to map, or a refusal."""
        if space != into:
            raise refused_space(space, into)
        if route is not None:
            raise Refused(
                Code.ROUTE_UNKNOWN,
                f"{route} leads nowhere here",
                authenticated=True,
                detail="no adapter here has this digest; fetch the card anew",
            )
        return Inbound(score_space=into, into=into)

    def plan(self, own: Envelope, card: Card, into: str | None) -> Plan:
        """Ask in the own space, if the partner has it.

        Two holders of one model who set up before they met have minted two sketches and so two
        space ids; to this partner the question travels under the partner's.
        """
        same = adopt(own, card.spaces)
        if same.space_id == into or (into is None and same.space_id in card.by_space):
            return Plan(same)
        raise no_route(
            f"{card.organisation} has no collection in the space asked in", own, card, into
        )


def no_route(why: str, own: Envelope, card: Card, into: str | None) -> NoRoute:
    """Return the error of a question that reaches no collection in `into` (None: any space)."""
    wanted = [each for each in card.spaces if into in (None, each.space_id)]
    differ = differences(own, wanted)
    fix = way_out(own, wanted, card)
    return NoRoute(f"{why} ({differ})" if differ else why, fix=fix)


def refused_space(space: str, into: str) -> Refused:
    """Return the refusal of a question from whose space no way leads to the collection's."""
    return Refused(
        Code.SPACE_NOT_ACCEPTED,
        f"no route from {space} to {into}",
        authenticated=True,
        detail="no adapter here leads from that space into the collection's; see the card's routes",
    )


@dataclass(frozen=True)
class OwnRoute:
    """The own question for one own collection, and how its documents are scored.

    `searched` lies in the collection's space, `asked` (n, d) in the score space; `kind` is
    that of the map by which `searched` was made, `identity` where it is the question as encoded.
    """

    searched: Located
    asked: NDArray[np.float32]
    inbound: Inbound
    kind: str


def own_route(
    queries: Mapping[str, NDArray[np.float32]],
    own_space: str,
    into: str,
    routes: Routes,
    uncorrected: Collection[str] = (),
    encoded: NDArray[np.float32] | None = None,
) -> OwnRoute:
    """Choose the space in which an own collection is scored, and how it is searched.

    `queries` holds the question in each space in which partners gave scores, the one in which most
    of them did first, and in the own space; `encoded` is the question by the collection's own
    model, where it is a text. A collection whose model has encoded the question is always searched
    by that; mapping it there and back would only lose. In the spaces `uncorrected` partners told
    cosines, so it is scored by them too. Raises NoRoute.
    """
    natively = queries[own_space] if into == own_space else encoded
    for space in (*queries, own_space):
        try:
            inbound = routes.inbound(space, None, into)
        except Refused:
            continue
        if space in uncorrected:
            inbound = replace(inbound, correction=None)
        asked = queries[space]
        if natively is not None:
            return OwnRoute(Located(into, natively), asked, inbound, IDENTITY)
        return OwnRoute(Located(inbound.into, inbound.carried(asked)), asked, inbound, inbound.kind)
    if natively is not None:
        inbound = routes.inbound(into, None, into)
        return OwnRoute(Located(into, natively), natively, inbound, IDENTITY)
    raise NoRoute(f"no adapter leads into the space of this collection, {into}")
