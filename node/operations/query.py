"""The operation that this is all for: one question to partners and the own collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.federation.ask import AskRequest, AskResult
from node.operations.caller import caller
from node.operations.registry import Progress, operation

if TYPE_CHECKING:
    from node.node import Node


@operation("query", role="asker")
async def query(node: Node, request: AskRequest, progress: Progress) -> AskResult:
    """Ask partners and the own collections; one merged list, and a status for every silo."""
    del progress
    return await node.asker.ask(request, caller())
