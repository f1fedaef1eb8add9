"""What health and readiness mean, checked when asked and not remembered from the start.

Alive: the node can do its duty, which is to write its log; its disk is not full. Ready: start has
ended, stop has not begun, it is alive, the root document is valid, every index is open.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.node import Node

MIN_FREE_BYTES = 64 * 1024 * 1024


class Health:
    """Answers `/healthz` and `/readyz` for one running node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._phase = "starting"

    def serving(self) -> None:
        """Everything is open and listening."""
        self._phase = "serving"

    def draining(self) -> None:
        """A stop has begun."""
        self._phase = "draining"

    async def alive(self) -> list[str]:
        """Reasons why the node cannot do its duty; none: it can."""
        free = shutil.disk_usage(self._node.data.path).free
        if free < MIN_FREE_BYTES:
            return [f"disk: {free} bytes are free, {MIN_FREE_BYTES} are needed to write the log"]
        return []

    async def ready(self) -> list[str]:
        """Reasons why the node should not be asked now."""
        reasons = await self.alive()
        if self._phase != "serving":
            reasons.append(f"phase: {self._phase}")
        if self._node.identity.root.expires <= self._node.clock():
            reasons.append("root document: expired")
        return reasons
