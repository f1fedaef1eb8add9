"""What a crash cut off between a file and the log: the next start appends the missing leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.collections.switching import log_missing
from node.federation.event_leaves import (
    end_interrupted,
    peer_appender,
    policy_appender,
    switch_appender,
)

if TYPE_CHECKING:
    from node.node import Node


async def log_what_was_cut_off(node: Node) -> None:
    """Append the leaves of decisions that stand in a file and not in the log."""
    await end_interrupted(node.log, node.clock)
    await node.policy.log_if_missing(policy_appender(node.log, node.clock, None))
    await node.peers.log_missing(peer_appender(node.log, node.clock, None))
    await node.roots.log_missing()
    _ = node.encoders  # brings the tables up to date
    await log_missing(node.store, switch_appender(node.log))
