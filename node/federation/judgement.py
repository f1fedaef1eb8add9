"""Steps 11 and 12: may this be answered, and how do its vectors reach the collection?

The version that answers is chosen here, and search, scores and answer go with it: the serving one,
or where only the one before it is reached from the question's space, that one, while it is kept.
Where documents are being brought to a new version, that one answers beside the serving one.

The rule of this file: the first thing that stands against a question decides, and a partner without
a grant is told the same whether or not the collection exists.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from node.collections.errors import UnknownCollection
from node.federation.beside import version_names
from node.federation.bridging import reach_first
from node.federation.mismatch import differences
from node.federation.routing import Inbound, Routes
from node.policy.grants import Grant, Granularity
from node.policy.policy import Policy
from node.policy.rules import Asked, Ruling, rule_on
from protocol.problems import Code, Refused
from protocol.query_message import Query
from protocol.vectors import VectorsRefused, decode

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.collections.registry import Collections
    from node.collections.standing import Standing
    from node.collections.version import Version


@dataclass(frozen=True)
class Permitted:
    """A question that its grant allows, before any work; `standing` as it was then.

    `others`: the node's other collections.
    """

    grant: Grant
    granularity: Granularity
    collection: "Collection"
    standing: "Standing"
    others: "tuple[Collection, ...]" = ()

    @property
    def stands(self) -> bool:
        """Whether the same versions still answer, each in its place."""
        return self.collection.standing is self.standing


@dataclass(frozen=True)
class Routed:
    """A permitted question whose vectors (n, d) are sound and lead into a version's space.

    `beside` is the same for the new version that answers together with this one, if any does.
    """

    permitted: Permitted
    version: "Version"
    vectors: NDArray[np.float32]
    inbound: Inbound
    beside: "Routed | None" = None

    @property
    def versions(self) -> str:
        """The names of the versions that answer, the new one first where there are two."""
        names = (
            [self.version.name]
            if self.beside is None
            else [self.beside.versions, self.version.name]
        )
        return version_names(names)

    @property
    def width(self) -> int:
        """The least number of components among the question's vectors and those searched."""
        own: int = min(self.vectors.shape[1], self.version.envelope.dimension)
        return own if self.beside is None else min(own, self.beside.width)

    @cached_property
    def searched(self) -> NDArray[np.float32]:
        """The vectors (n, d) in the version's space; they are sketched and searched."""
        return self.inbound.carried(self.vectors)


def permit(
    peer: str, query: Query, policy: Policy, collections: "Collections", at: int
) -> Permitted:
    """Step 11: the grant's rules. Raises Refused (not-granted) with the rule that decided."""
    ruling = rule_on(
        policy,
        Asked(
            peer,
            query.collection,
            query.purpose,
            query.k,
            query.granularity,
            query.agreement,
            tuple(query.filter or ()),
        ),
        at,
    )
    if not ruling.allowed or ruling.grant is None or ruling.granularity is None:
        raise not_granted(ruling)
    try:
        collection = collections.get(query.collection)
    except UnknownCollection as error:
        # the grant speaks of a collection that is not there (yet): the partner sees no difference
        raise refusal(Code.NOT_GRANTED, str(error), rule="collection") from None
    others = tuple(each for each in collections.all() if each is not collection)
    return Permitted(ruling.grant, ruling.granularity, collection, collection.standing, others)


def route(query: Query, permitted: Permitted, routes: Routes) -> Routed:
    """Step 12: envelope, vectors, verdict and route.

    Raises Refused: envelope-invalid, vectors-invalid, space-not-accepted or route-unknown.
    """
    if query.envelope.space_id != query.space:
        raise refusal(Code.ENVELOPE_INVALID, "the envelope's fields do not give its space id")
    if query.envelope.role == "document":
        raise refusal(Code.ENVELOPE_INVALID, "a question's vectors have the role query")
    try:
        vectors = decode(query.vectors, query.envelope)
    except VectorsRefused as error:
        raise refusal(Code.VECTORS_INVALID, f"{error.reason}: {error}") from None
    standing = permitted.standing
    try:
        version, inbound = reach_first(
            standing,
            routes,
            lambda version, ways: ways.inbound(query.space, query.route, version.space_id),
            Refused,
            [bridge for other in permitted.others for bridge in other.standing.bridges],
        )
    except Refused as refused:
        if refused.code is not Code.SPACE_NOT_ACCEPTED:
            raise
        differ = differences(query.envelope, [standing.serving.envelope])
        raise refusal(refused.code, f"{refused.detail} ({differ})") from None
    routed = Routed(permitted, version, vectors, inbound)
    if standing.course is None or version is not standing.serving:
        return routed
    new = standing.beside(vectors.tobytes())
    if new is None:
        return routed
    return _with_new(routed, new, query.space, routes)


def _with_new(routed: Routed, new: "Version", space: str, routes: Routes) -> Routed:
    """Let the new version answer beside; where no way of its own leads to it, the old one alone."""
    try:
        way = routes.inbound(space, None, new.space_id)
    except Refused:
        return routed
    if way.score_kind == routed.inbound.score_kind:
        return replace(routed, beside=replace(routed, version=new, inbound=way))
    # cosines and corrected scores do not compare
    plain = replace(routed, inbound=replace(routed.inbound, correction=None))
    beside = replace(routed, version=new, inbound=replace(way, correction=None))
    return replace(plain, beside=beside)


def not_granted(ruling: Ruling) -> Refused:
    """Return the refusal of a question that a rule forbids; why stays on this side."""
    rule = ruling.deciding
    return Refused(Code.NOT_GRANTED, rule.reason, authenticated=True, rule=rule.rule)


def refusal(code: Code, detail: str, *, rule: str | None = None) -> Refused:
    """Return a refusal of an authenticated question whose detail the partner may read.

    A `not-granted` tells the rule alone.
    """
    told = None if code is Code.NOT_GRANTED else detail
    return Refused(code, detail, authenticated=True, detail=told, rule=rule)
