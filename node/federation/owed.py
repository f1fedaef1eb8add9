"""Which answers this node has received and not acknowledged yet, across restarts.

The rule of this file: the log says what was received, a file how far each partner has been told;
both together are what is owed. Where the file is lost, some are acknowledged twice, which changes
nothing. After a day an answer is not owed any more: its partner has noted that by then.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from node import durable_file
from protocol.acknowledgement import ReceivedAnswer
from protocol.leaf import Received
from protocol.limits import ACKNOWLEDGE_S

if TYPE_CHECKING:
    from pathlib import Path

    from node.audit.log import AuditLog
    from node.clock import Clock


class Owed:
    """Acknowledgements that are owed, by partner; on the event loop."""

    def __init__(self, log: AuditLog, path: Path, clock: Clock) -> None:
        """Read what an earlier run has left."""
        self._path, self._clock = path, clock
        self._told = _kept(path)
        self._unwritten = False
        self._owed: dict[str, dict[int, tuple[int, ReceivedAnswer]]] = defaultdict(dict)
        for index, leaf in log.received_since(clock() - ACKNOWLEDGE_S):
            if index > self._told.get(leaf.peer, -1):
                self.owe(index, leaf)

    def owe(self, index: int, leaf: Received) -> None:
        """Note an answer whose `received` leaf is durable at `index`; others are left out."""
        question = leaf.purpose is not None and leaf.decision in ("answered", "repeated")
        if question and leaf.receipt is not None:
            item = ReceivedAnswer(answer=leaf.answer, received=index, leaf=leaf.receipt.index)
            self._owed[leaf.peer][index] = (leaf.at, item)

    def partners(self) -> list[str]:
        """Return to whom something is owed; what is too old is forgotten first."""
        since = self._clock() - ACKNOWLEDGE_S
        for peer, items in self._owed.items():
            old = [index for index, (at, _) in items.items() if at < since]
            if old:
                self.settle(peer, old)
        return sorted(peer for peer, items in self._owed.items() if items)

    def next(self, peer: str, most: int) -> tuple[ReceivedAnswer, ...]:
        """Return the oldest that are owed to a partner, one for each leaf of its log."""
        by_leaf: dict[int, ReceivedAnswer] = {}
        for _, (_, item) in sorted(self._owed[peer].items()):
            by_leaf.setdefault(item.leaf, item)
        return tuple(by_leaf.values())[:most]

    def settle(self, peer: str, indexes: list[int]) -> None:
        """Forget what was told; `write_down` says how far that is."""
        items = self._owed[peer]
        for index in indexes:
            items.pop(index, None)
        told = max([*indexes, self._told.get(peer, -1)])
        self._told[peer] = min([told, *(index - 1 for index in items)])
        self._unwritten = True

    def write_down(self) -> None:
        """Write down how far each partner has been told, if that has changed."""
        if self._unwritten:
            durable_file.replace(self._path, json.dumps(self._told, indent=1).encode())
            self._unwritten = False


def _kept(path: Path) -> dict[str, int]:
    """How far the file says that partners were told; nothing where it is missing or damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {str(peer): n for peer, n in pairs if type(n) is int}
