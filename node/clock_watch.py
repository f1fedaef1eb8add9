"""Whether the clock can be believed: against the own past, a steady clock, and partners' clocks.

The rule of this file: a clock that is wrong must not date a root document, since no version can be
issued before the one in force. It is doubted

- where it has gained more than a day on a clock that only counts seconds;
- where it has gone back behind a moment that has passed for certain: what was seen of it, or what
  this node or a partner signed, also before the node started;
- where it lies further from the clocks of most partners heard within a day than partners accept.

Partners decide where most of those heard agree or disagree with it. Without them, what still stands
after a day is believed: a clock that was ahead for long and is right again looks like this.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median_low
from typing import TYPE_CHECKING, Literal

import structlog

from protocol.limits import CLOCK_SKEW_S

if TYPE_CHECKING:
    from node.clock import Clock

Steady = Callable[[], float]
"""Returns seconds since any fixed moment; nobody can set it."""

JUMP_S = 86_400
"""A clock that gains more than this (seconds) on the steady one has jumped; as long it is doubted
by itself, and as long counts what a partner's clock said."""

MAX_HEARD = 4096
"""Partners whose clocks are remembered."""

log = structlog.get_logger("clock")


def steady_clock() -> float:
    """Seconds since the machine started, those of a suspended machine included where it counts."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True)
class Doubt:
    """Why the clock is not believed.

    Attributes:
        ahead_s: seconds by which it seems to be ahead; negative where it seems to be behind.
        by: what it was compared with.
    """

    ahead_s: int
    by: Literal["past", "partners"]

    @property
    def sentence(self) -> str:
        """The doubt in words."""
        side = "ahead of" if self.ahead_s > 0 else "behind"
        if self.by == "partners":
            return f"The clock is {abs(self.ahead_s)} seconds {side} those of most partners."
        if self.ahead_s > 0:
            return f"The clock jumped ahead by {self.ahead_s} seconds."
        return f"The clock is {-self.ahead_s} seconds behind what was signed or seen before."


class ClockWatch:
    """Compares the clock with whatever else tells the time, from look to look.

    Args:
        clock: epoch seconds UTC; the one that is judged.
        steady: see `Steady`.
        past: the newest moment (epoch seconds UTC) that has passed for certain, by what lies on
            disk; asked once, at the first look. 0 where nothing is known.
    """

    def __init__(self, clock: Clock, steady: Steady, past: Callable[[], int] = lambda: 0) -> None:
        self._clock = clock
        self._steady = steady
        self._past = past
        self._believed: tuple[int, float] | None = None
        self._doubted_since: float | None = None
        self._heard: dict[str, tuple[float, float]] = {}
        self._said: Doubt | None = None

    def heard(self, partner: str, at: int) -> None:
        """Take note that a partner's clock says `at` (epoch seconds UTC) now."""
        self._heard.pop(partner, None)
        if len(self._heard) >= MAX_HEARD:
            self._heard.pop(next(iter(self._heard)))
        steady = self._steady()
        self._heard[partner] = (at - steady, steady)

    def has_heard(self) -> bool:
        """Whether a partner's clock was heard within a day."""
        return bool(self._by_partners())

    def doubt(self) -> Doubt | None:
        """Why the clock is not believed now; None where it is."""
        own = self._by_past()
        differences = self._by_partners()
        apart = [each for each in differences if abs(each) > CLOCK_SKEW_S]
        if 2 * len(apart) > len(differences):
            return Doubt(median_low(apart), "partners")
        if own is None or 2 * len(apart) < len(differences):
            self._believe()
            return None
        return own

    async def look(self) -> None:
        """Write a line of log when the doubt begins, changes or ends; for the timer."""
        found, before = self.doubt(), self._said
        self._said = found
        if found is not None and (before is None or before.by != found.by):
            log.error("clock doubted", cause=found.sentence, ahead_s=found.ahead_s)
        elif found is None and before is not None:
            log.info("clock believed again")

    def _by_past(self) -> Doubt | None:
        now, steady = self._clock(), self._steady()
        if self._believed is None:
            self._believed = (max(now, self._past()), steady)
        seen, then = self._believed
        ahead = int(now - seen - (steady - then))
        if -CLOCK_SKEW_S <= ahead <= JUMP_S:
            return None
        if self._doubted_since is None:
            self._doubted_since = steady
        return Doubt(ahead, "past") if steady - self._doubted_since < JUMP_S else None

    def _by_partners(self) -> list[int]:
        """Seconds by which the clock is ahead of each partner's that was heard within a day."""
        now, steady = self._clock(), self._steady()
        return [
            round(now - steady - offset)
            for offset, when in self._heard.values()
            if steady - when < JUMP_S
        ]

    def _believe(self) -> None:
        self._believed, self._doubted_since = (self._clock(), self._steady()), None
