"""Whether a node at work is as far as its partners have seen it.

The rule of this file: every active partner is asked once a day, and one that could not be asked
again in an hour; not those that a person decided to go on without. This is for a copy of an old
directory that was put back without `interlingua restore`; a node that is behind stops logging at
once, so it neither answers nor asks, and is marked so that it does not start again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from node.backup.compare import Comparison, compare
from node.backup.errors import NodeBehind
from node.backup.left_out import left_out
from node.backup.marker import Mark, write_mark
from node.backup.settle import say_behind

if TYPE_CHECKING:
    from node.node import Node

AGAIN_S = 86_400
"""Seconds for which a partner's claim counts."""

_log = structlog.get_logger("backup")


class Standing:
    """Compares a node at work with its partners."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._asked: dict[str, int] = {}
        self._left_out: frozenset[str] | None = None

    async def check(self) -> Comparison:
        """Ask the partners whose claim is older than a day, or was never heard."""
        node, at = self._node, self._node.clock()
        if self._left_out is None:
            self._left_out = await asyncio.to_thread(left_out, node.data.log_file)
        fresh = {name for name, when in self._asked.items() if at < when + AGAIN_S}
        comparison = await compare(node, fresh | self._left_out, paused=False)
        self._asked.update(
            {each.organisation: at for each in comparison.partners if each.judged is not None}
        )
        if comparison.behind and node.log.held is None:
            found = Mark(reason="found-behind", at=at, behind=comparison.holding_more)
            write_mark(node.data.mark_file, found)
            node.log.hold(say_behind(comparison.behind))
            _log.error("this node is behind its partners and stops", found=comparison.behind)
        return comparison

    async def check_again(self) -> Comparison:
        """Ask every partner anew: one of them says that it holds another tree than this node."""
        self._asked.clear()
        return await self.check()

    async def require_not_behind(self) -> None:
        """Compare before anything is signed; what cannot be reached now is asked again at work.

        Not where nothing was signed yet, or nobody could have cosigned it. Raises NodeBehind.
        """
        node = self._node
        if node.log.size() == 0 or not any(peer.is_asked for peer in node.peers.all()):
            return
        comparison = await self.check()
        if comparison.behind:
            raise NodeBehind(say_behind(comparison.behind))
