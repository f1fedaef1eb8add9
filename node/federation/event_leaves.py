"""Leaves of decisions that people take about partners and grants, each appended with its guard."""

from collections.abc import Callable

from node.audit.entry import Entry
from node.audit.log import AuditLog
from node.clock import Clock
from node.federation import peers as peer_book
from node.federation.peer import Peer
from node.policy import book as policy_book
from node.policy.policy import Policy
from protocol.leaf import PeerChanged, PolicyApplied


def policy_appender(
    log: AuditLog, clock: Clock, by: str | None, previous: str | None
) -> policy_book.AppendLeaf:
    """Return what appends `policy` leaves on behalf of `by`; `previous` is the digest before."""

    async def append(policy: Policy, guard: Callable[[], None]) -> None:
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
