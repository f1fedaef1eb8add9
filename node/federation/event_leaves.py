"""Leaves of decisions that people take about partners and grants, each appended with its guard.

And the leaves of questions that nobody waits for any more: `end_interrupted`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.audit.log import AuditLog
    from node.clock import Clock
    from node.collections.switching import AppendLeaf
    from node.federation import peers as peer_book
    from node.federation.peer import Peer
    from node.policy import book as policy_book
    from node.policy.policy import Policy
    from node.store.switch_rows import Switch
    from node.store.version_rows import VersionRow

# the rest is imported where a leaf is made: the command line imports operations for their models


def policy_appender(log: AuditLog, clock: Clock, by: str | None) -> policy_book.AppendLeaf:
    """Return what appends `policy` leaves on behalf of `by`."""
    from node.audit.entry import Entry
    from protocol.leaf import PolicyApplied

    async def append(policy: Policy, previous: str | None, guard: Callable[[], None]) -> None:
        leaf = PolicyApplied(
            at=clock(),
            by=by,
            policy=policy.digest,
            previous=previous,
            generation=policy.generation,
            grants=len(policy.grants),
        )
        await log.append(Entry(leaf, guard=guard))

    return append


def peer_appender(log: AuditLog, clock: Clock, by: str | None) -> peer_book.AppendLeaf:
    """Return what appends `peer` leaves on behalf of `by`."""
    from node.audit.entry import Entry
    from protocol.leaf import PeerChanged

    async def append(peer: Peer, guard: Callable[[], None]) -> None:
        leaf = PeerChanged(
            at=clock(),
            by=by,
            peer=peer.organisation,
            state=peer.state,
            root=peer.record.pinned,
            root_version=peer.root.version,
            document=peer.root.digest,
            log=peer.log_origin,
        )
        await log.append(Entry(leaf, guard=guard))

    return append


def switch_appender(log: AuditLog) -> AppendLeaf:
    """Return what appends the `collection` leaves of what becomes of versions."""
    from node.audit.entry import Entry
    from protocol.leaf import CollectionChanged

    async def append(
        switch: Switch, row: VersionRow, documents: int, guard: Callable[[], None]
    ) -> None:
        leaf = CollectionChanged(
            at=switch.at,
            by=switch.by,
            collection=row.name,
            event=switch.event,
            version=row.version,
            space=row.space_id,
            documents=documents,
            former=None if switch.former is None else f"v{switch.former}",
            forced=switch.forced,
            reason=switch.reason,
        )
        await log.append(Entry(leaf, guard=guard))

    return append


async def end_interrupted(log: AuditLog, clock: Clock) -> None:
    """End every question that this node had sent when it stopped; call it before any is asked."""
    from node.audit.entry import Entry
    from node.audit.open_questions import INTERRUPTED
    from protocol.leaf import Unanswered

    for question in log.open_questions():
        leaf = Unanswered(at=clock(), peer=question.peer, query=question.query, reason=INTERRUPTED)
        await log.append(Entry(leaf))
