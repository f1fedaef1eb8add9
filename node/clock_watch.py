"""Whether the clock has jumped ahead while the node runs.

The rule of this file: a clock that is wrong for a minute must not date a root document, since no
version can be issued before the one in force. The clock is compared with one that only counts
seconds; what still stands after a day is believed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.clock import Clock

Steady = Callable[[], float]
"""Returns seconds since any fixed moment; nobody can set it."""

JUMP_S = 86_400
"""A clock that gains more than this (seconds) on the steady one has jumped; as long it is doubted.
"""


def steady_clock() -> float:
    """Seconds since the machine started, those of a suspended machine included where it counts."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ClockWatch:
    """Compares the clock with a steady one, from look to look."""

    def __init__(self, clock: Clock, steady: Steady) -> None:
        self._clock = clock
        self._steady = steady
        self._believed = clock(), steady()
        self._doubted_since: float | None = None

    def ahead_s(self) -> int:
        """Seconds by which the clock has jumped ahead; 0 for one that is believed."""
        now, steady = self._clock(), self._steady()
        seen, then = self._believed
        ahead = int(now - seen - (steady - then))
        if ahead > JUMP_S:
            if self._doubted_since is None:
                self._doubted_since = steady
            if steady - self._doubted_since < JUMP_S:
                return ahead
        self._believed, self._doubted_since = (now, steady), None
        return 0
