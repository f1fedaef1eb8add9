"""What every operation that changes versions is made of: who asks, the leaf, the card.

The rule of this file: a change is done when its leaf is, and told to partners after that.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from node.operations.caller import caller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.collections.collection import Collection
    from node.collections.switching import Reason, Switching
    from node.collections.version import Version
    from node.node import Node
    from node.store.bridge_rows import BridgeRow


def reason(forced: str | None = None) -> Reason:
    """Say who asks for a change, and what was overruled."""
    from node.collections.switching import Reason

    return Reason(caller(), forced)


def switching(node: Node, collection: Collection) -> Switching:
    """Return what changes a collection's versions, with its leaves."""
    from node.federation.event_leaves import switch_appender

    return collection.switching(switch_appender(node.log))


async def tell(node: Node) -> None:
    """Put what is offered now on the card, and tell partners of it."""
    if node.serving:
        node.card.current()


async def put_in_charge(node: Node, collection: Collection, version: Version, why: Reason) -> None:
    """Cut over, with the bridges by which those who know only the old space go on being answered.

    What they need is at hand: both versions' vectors. Too few documents give no bridge.
    """
    import asyncio

    from adapters.errors import AdapterError
    from node.collections.bridge import fit_both_ways
    from node.collections.bridge_sample import sample_of_both
    from node.collections.errors import VersionNotFit

    sample = await sample_of_both(node.store, collection.serving, version)
    ends = collection.envelope, version.envelope
    rows: Sequence[BridgeRow] = ()
    with suppress(AdapterError, VersionNotFit):
        rows = await asyncio.to_thread(fit_both_ways, collection.key, sample, *ends)
    await switching(node, collection).cut_over(version, why, rows)
    await tell(node)


def state_of(node: Node, version: Version) -> str:
    """Return the state of a version as store.db has it."""
    from node.store import version_rows

    with node.store.read() as db:
        rows = version_rows.of_collection(db, version.row.collection)
    return next(row.state for row in rows if row.key == version.key)


async def settle_state(node: Node, collection: Collection, version: Version) -> None:
    """Make a version a shadow when every document has vectors in it."""
    if state_of(node, version) == "building" and not version.coverage().missing:
        await switching(node, collection).complete(version, reason())
        await tell(node)


async def settle_states(node: Node) -> None:
    """Note which versions have become complete since a restart, or while nobody waited for it."""
    for collection in node.collections.all():
        for version in collection.standing.aside:
            if collection.backfill(version).idle:
                await settle_state(node, collection, version)
