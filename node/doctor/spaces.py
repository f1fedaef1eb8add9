"""Checks of shared spaces: each can be used, and leads to collections; a renewal is not left half.

While a member changes its model it is joined with both, and both routes are on its card. What is
missing of that, or left over from it, is said here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from node.doctor.finding import Finding, problem, warning

if TYPE_CHECKING:
    from node.node import Node
    from node.spaces.state import JoinedSpace


async def check_spaces(node: Node) -> AsyncIterator[Finding]:
    """Every shared space that was joined can be used, with an encoder that collections have."""
    for damaged in node.spaces.damaged:
        yield problem("space-damaged", damaged, "interlingua space join MANIFEST --encoder ENCODER")
    encoders = {encoder.envelope.space_id: encoder.name for encoder in node.encoders.all()}
    joined = node.spaces.all()
    for each in joined:
        if each.native not in encoders:
            yield warning(
                "space-idle",
                f"{each.manifest.name} was joined with a model that no encoder here has.",
                f"interlingua encoder add, or interlingua space leave {each.manifest.name}",
            )
        for finding in _changed(node, each, encoders.get(each.native)):
            yield finding
    for finding in _renewals(node, joined, encoders):
        yield finding


def _changed(node: Node, joined: JoinedSpace, encoder: str | None) -> Iterator[Finding]:
    """The own embeddings are those that the space was joined with; joining again needs them."""
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.embed import stored_embeddings
    from node.spaces.errors import SpaceError

    if encoder is None:
        return
    store = AnchorStore(node.data.anchors)
    try:
        now = stored_embeddings(store, joined.manifest.anchors, joined.native)
    except SpaceError:
        return  # joining again embeds the anchors again, and then compares
    if now.digest != joined.joined.embeddings:
        name = joined.manifest.name
        yield problem(
            "space-embeddings",
            f"The anchor embeddings of encoder {encoder} are others than those with which {name} "
            "was joined, so it cannot be joined again: its maps would not fit.",
            f"Restore them from a backup, or: interlingua space leave {name} --encoder {encoder}, "
            "then join, and give the members the new file.",
        )


def _renewals(node: Node, joined: list[JoinedSpace], encoders: dict[str, str]) -> Iterator[Finding]:
    """Say which collections no shared space leads to, and which joining has served its time."""
    used = {
        version.space_id: each.name
        for each in node.collections.all()
        for version in each.standing.kept
    }
    reached = {each.native for each in joined}
    for space, collection in used.items():
        if joined and space not in reached:
            yield warning(
                "space-unreached",
                f"No shared space leads to {collection}: none was joined with its encoder.",
                f"interlingua space join MANIFEST --encoder {encoders.get(space, 'ENCODER')}",
            )
    for each in joined:
        others = [other for other in joined if other.hub == each.hub and other.native in used]
        if each.native in used or each.native not in encoders or not others:
            continue
        name, encoder = each.manifest.name, encoders[each.native]
        yield warning(
            "space-left-over",
            f"{name} is joined with {encoder} too, whose space holds no collection.",
            "Build one with it and grant it, or withdraw the former model's routes: "
            f"interlingua space leave {name} --encoder {encoder}",
        )
