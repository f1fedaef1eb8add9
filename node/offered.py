"""What the card says that this node offers: spaces of collections, shared spaces, routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.card_keeper import Offered
from protocol.limits import MAX_CARD_ROUTES

if TYPE_CHECKING:
    from node.node import Node


def offered_by(node: Node) -> Offered:
    """Own collections' spaces; where routes lead into them or shared spaces, those too.

    A space that a collection is being brought into is announced before anything is answered in it.
    Ways over bridges come first, because they are few and other ways end without them.
    """
    from node.federation.bridging import routes_over  # the command line imports less

    own = {
        version.space_id: version.envelope
        for each in node.collections.all()
        for version in each.standing.kept
    }
    shared = node.spaces.envelopes()
    # those into spaces of collections first: they are not cut off
    natives = [*sorted(own), *sorted(shared.keys() - own.keys())]
    bridged = {
        (route.space, route.into): route
        for each in node.collections.all()
        for route in routes_over(each.standing, node.routes)
    }
    routes = [route for native in natives for route in node.spaces.routes(native)]
    # one of a direction: those of several collections differ, and each takes the others' by name
    routes = [*bridged.values(), *routes]
    spaces = {**shared, **own} if routes else own
    return Offered(
        spaces=tuple(spaces[key] for key in sorted(spaces)),
        routes=tuple(routes[:MAX_CARD_ROUTES]),
    )
