"""What members lose or gain who ask through a shared space, where the model that is asked changes.

Their models are not here, and a golden question is a text; so the questions are held-out anchors as
each member embedded them. The rule of this file: each anchor goes both ways, through the member's
map in and the own map out to the old model's view of the anchors, and to the new model's, or over
a direct map where that is the way. The values are paired, anchor by anchor. docs/adr/0071.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from adapters.map import Chain
from adapters.metrics import Estimate, estimate, paired_difference
from adapters.quality import route_values
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.maps import Ground, fit_inward, held_out
from node.spaces.state import JoinedSpace

MEASURES = ("ndcg_10", "recall_10", "mrr")

GATED = "ndcg_10"
"""The measure that the gate looks at."""


@dataclass(frozen=True, eq=False)
class Side:
    """One own model in a shared space: its view of the anchors, and its maps."""

    own: AnchorEmbeddings
    joined: JoinedSpace


@dataclass(frozen=True)
class ChangedRoute:
    """What one member's held-out anchors find by the old model and by the new one.

    `space` is the shared space's name; `before`, `after` and their paired `difference` are by
    measure, over as many `questions`.
    """

    space: str
    organisation: str
    questions: int
    before: dict[str, Estimate]
    after: dict[str, Estimate]
    difference: dict[str, Estimate]

    def stands_against(self, bar: float) -> str | None:
        """Say what the member loses, where it is more than `bar` and beyond chance."""
        found = self.difference[GATED]
        if found.value >= -bar or found.high >= 0:
            return None
        told = f"{GATED} {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
        return f"{self.organisation} in {self.space} {told}"


def changed_routes(
    ground: Ground, members: Iterable[AnchorEmbeddings], old: Side, new: Side
) -> list[ChangedRoute]:
    """Measure every member that asks through the space by a model of its own; blocking.

    Members whose ways to one of the two models were not measured at joining are left out.
    Raises EmbeddingsRefused.
    """
    spaces = {old.own.space_id, new.own.space_id}
    askers = [each for each in members if each.space_id not in spaces]
    return [
        _changed(ground, asker, old, new)
        for asker in askers
        if _measured(asker, old) and _measured(asker, new)
    ]


def _measured(asker: AnchorEmbeddings, side: Side) -> bool:
    return side.joined.joined.pair(asker.space_id, side.own.space_id) is not None


def _changed(ground: Ground, asker: AnchorEmbeddings, old: Side, new: Side) -> ChangedRoute:
    test = ground.anchors.split.test
    part = test[(old.own.usable & new.own.usable)[test]]
    was = route_values(_way(ground, asker, old), held_out(ground, part, asker, old.own))
    now = route_values(_way(ground, asker, new), held_out(ground, part, asker, new.own))
    return ChangedRoute(
        ground.manifest.name,
        asker.organisation,
        len(now[GATED]),
        {name: estimate(was[name]) for name in MEASURES},
        {name: estimate(now[name]) for name in MEASURES},
        {name: paired_difference(now[name], was[name]) for name in MEASURES},
    )


def _way(ground: Ground, asker: AnchorEmbeddings, side: Side) -> Chain:
    """The maps of an asker's way to one model: the direct one where that is better, else two."""
    direct = side.joined.direct.get(asker.space_id)
    if direct is not None:
        return (direct.map,)
    pair = side.joined.joined.pair(asker.space_id, side.own.space_id)
    if pair is None:
        raise KeyError(asker.space_id)
    inward = fit_inward(ground, asker, [pair.in_kind])[pair.in_kind]
    return inward, side.joined.outward[pair.out_kind]
