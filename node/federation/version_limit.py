"""How many new root documents of one partner are taken over in an hour.

The rule of this file: every version that was accepted is kept for ever, so a partner that makes
them in numbers would fill the disk. An hour of the clock has one count for each partner.
"""

from collections import Counter

from node.clock import Clock

VERSIONS_PER_HOUR = 32
"""As many as one announcement holds: a partner that was away catches up at once."""

HOUR_S = 3600


class VersionLimit:
    """Counts new versions by partner; forgets what was counted in earlier hours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hour = 0
        self._taken: Counter[str] = Counter()

    def left(self, organisation: str) -> int:
        """How many further versions of this partner may be taken over now."""
        self._begin_hour()
        return max(0, VERSIONS_PER_HOUR - self._taken[organisation])

    def count(self, organisation: str, versions: int) -> None:
        """Note that so many were taken over."""
        self._begin_hour()
        if versions > 0:
            self._taken[organisation] += versions

    def _begin_hour(self) -> None:
        hour = self._clock() // HOUR_S
        if hour != self._hour:
            self._hour, self._taken = hour, Counter()
