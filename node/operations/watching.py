"""What a running node does about versions by itself: calls complete ones so, and watches others.

Where the settings say so, the watch goes back to the former version of one that has become worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from node.background import Periodic

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.collections.watch import Watch
    from node.node import Node

BY = "watch"
"""On whose behalf the leaf of such a rollback is."""

VERSIONS_S = 30.0
"""How soon a version that became complete with nobody waiting is called so."""

WHY_CHARS = 256  # of a line in a leaf

_log = structlog.get_logger("watch")


def watch_of(node: Node) -> Watch:
    """Wire the watch as the settings say."""
    from node.collections.watch import Bars, Watch

    told = node.settings.versions
    return Watch(node.store, Bars(told.canaries, told.worst_drop, told.far_share), node.clock)


def periodic_of(node: Node) -> list[Periodic]:
    """Return what a running node repeats."""
    from node.operations.strategies import advance
    from node.operations.version_changes import settle_states

    settling = Periodic("versions", VERSIONS_S, lambda: settle_states(node))
    steps = Periodic("courses", VERSIONS_S, lambda: advance(node))
    every_s = node.settings.versions.watch_s
    return [
        settling,
        steps,
        *([Periodic("watch", every_s, lambda: watch(node))] if every_s else ()),
    ]


async def watch(node: Node) -> None:
    """Look at every collection; one whose model cannot be asked now is looked at next time."""
    import asyncio

    from node.operations.errors import translate
    from node.operations.past_questions import forget_erased
    from node.operations.strategies import watch_course

    await asyncio.to_thread(forget_erased, node)
    for collection in node.collections.all():
        for look in (watch_course, _look):
            try:
                await look(node, collection)
            except Exception as error:
                cause = translate(error).cause
                _log.warning("version.not watched", collection=collection.name, cause=cause)


async def _look(node: Node, collection: Collection) -> None:
    from node.collections.switching import Reason
    from node.federation.event_leaves import switch_appender

    look = await node.watch.look(collection)
    by_itself = node.settings.versions.rollback_by_itself
    if not by_itself or look.better is None or collection.standing is not look.standing:
        return
    why, lost = "; ".join(look.lost), look.standing.serving
    await collection.switching(switch_appender(node.log)).roll_back(Reason(BY, why=why[:WHY_CHARS]))
    node.card.current()
    _log.warning(
        "version.rolled back",
        collection=collection.name, version=lost.name, serving=collection.version, why=why,
    )  # fmt: skip
