"""Refusals that are too cheap to cause for a leaf each: counted by peer and minute.

The rule of this file: whatever is refused without a leaf of its own is in a `refused` leaf of its
minute. A minute's counts are written when the minute is over, at the latest when the node closes; a
crash loses at most the present minute.
"""

from collections import Counter

from protocol.leaf import Refused
from protocol.problems import Code

MINUTE_S = 60


class RefusalCounts:
    """Counts per (minute, peer or None for an unknown sender) and problem code."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, str | None], Counter[str]] = {}

    def count(self, peer: str | None, code: Code, at: int) -> None:
        """Count one refusal."""
        minute = at - at % MINUTE_S
        self._counts.setdefault((minute, peer), Counter())[str(code)] += 1

    def take(self, at: int, *, everything: bool = False) -> list[Refused]:
        """Return the leaves of minutes that are over (or of all), and forget their counts."""
        over = [key for key in self._counts if everything or key[0] + MINUTE_S <= at]
        return [
            Refused(at=at, peer=peer, minute=minute, counts=dict(self._counts.pop((minute, peer))))
            for minute, peer in sorted(over, key=lambda key: (key[0], key[1] or ""))
        ]

    def put_back(self, leaf: Refused) -> None:
        """Count a leaf's refusals again: it could not be written."""
        counts = self._counts.setdefault((leaf.minute, leaf.peer), Counter())
        counts.update(leaf.counts)
