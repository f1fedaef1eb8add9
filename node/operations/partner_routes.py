"""What partners lose or gain who ask through a shared space, when a collection's model changes.

The rule of this file: whoever may ask the collection is measured or named as not measured; a
partner's loss is never silent. docs/adr/0071 says what is measured, and how well it foretells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.judged_figure import JudgedFigure, judged_figures

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.node import Node
    from node.spaces.changed_routes import ChangedRoute
    from node.spaces.state import JoinedSpace

CODE = "partners-lose"


class PartnerRoute(BaseModel):
    """One partner's way through a shared space, on `questions` held-out anchors.

    `figures` compare the serving version's model (`serving`) with the new one (`other`); `against`
    is set where the partner loses more than `versions.worst_for_partners` allows.
    """

    organisation: str
    space: str
    questions: int
    figures: dict[str, JudgedFigure]
    against: str | None


class PartnerRoutes(BaseModel):
    """What was measured, and sentences about what was not."""

    partners: tuple[PartnerRoute, ...] = ()
    partners_unmeasured: tuple[str, ...] = ()

    @property
    def partners_against(self) -> str | None:
        """What stands against the new model on behalf of partners, if anything."""
        return "; ".join(one.against for one in self.partners if one.against) or None


async def partner_routes(node: Node, collection: Collection, into: str) -> PartnerRoutes:
    """Measure the ways of partners who may ask a collection, if its model were that of `into`.

    Who asks in the serving version's own space goes on reaching that version, and is not concerned.
    """
    import asyncio

    active = (each.organisation for each in node.peers.all() if each.state == "active")
    allowed = {peer for peer in active if _may_ask(node, peer, collection.name)}
    joined = [each for each in node.spaces.all() if each.native == collection.space_id]
    found: list[PartnerRoute] = []
    unmeasured: list[str] = []
    for old in joined:
        routes, said = await asyncio.to_thread(_through, node, old, into, allowed)
        found += routes
        unmeasured += said
    return PartnerRoutes(partners=tuple(found), partners_unmeasured=tuple(unmeasured))


def _may_ask(node: Node, peer: str, collection: str) -> bool:
    ends = [each.ends for each in node.policy.current.between(peer, collection)]
    return any(end is None or node.clock() < end for end in ends)


def _through(
    node: Node, old: JoinedSpace, into: str, allowed: set[str]
) -> tuple[list[PartnerRoute], list[str]]:
    """Measure the ways through one shared space; blocking."""
    from node.room_error import RoomError

    name = old.manifest.name
    new = next((one for one in node.spaces.find(old.hub) if one.native == into), None)
    if new is None:
        return [], [f"{name}: the new model has not joined it, so who asks through it goes on with"
                    " the former version"]  # fmt: skip
    try:
        routes = _measured(node, old, new, allowed)
    except (RoomError, OSError) as error:
        return [], [f"{name}: {error}"]
    known = {each.organisation for each in routes}
    members = {each.organisation for each in old.manifest.founders}
    members |= {each.organisation for each in (*old.joined.members, *new.joined.members)}
    missing = sorted((members & allowed) - known)
    said = [f"{name}: {', '.join(missing)} were not measured with both models, as no embeddings of"
            " theirs came with the joining"] if missing else []  # fmt: skip
    bar = node.settings.versions.worst_for_partners
    return [_shown(each, bar) for each in routes], said


def _measured(
    node: Node, old: JoinedSpace, new: JoinedSpace, allowed: set[str]
) -> list[ChangedRoute]:
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.changed_routes import Side, changed_routes
    from node.spaces.embed import stored_embeddings
    from node.spaces.maps import Ground

    store, folder = AnchorStore(node.data.anchors), node.spaces.folder(old.hub)
    anchors = store.load(old.manifest.anchors)
    sides = [Side(stored_embeddings(store, anchors.set_id, one.native), one) for one in (old, new)]
    ground = Ground(old.manifest, anchors, folder.positions(old.manifest))
    askers = (each for each in folder.members() if each.organisation in allowed)
    return changed_routes(ground, askers, *sides)


def _shown(one: ChangedRoute, bar: float) -> PartnerRoute:
    return PartnerRoute(
        organisation=one.organisation,
        space=one.space,
        questions=one.questions,
        figures=judged_figures(one.before, one.after, one.difference),
        against=one.stands_against(bar),
    )
