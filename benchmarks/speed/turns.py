"""Two pieces of work in turns, each in a process of its own.

The rule of this file: neither runs for longer than a turn while the other waits, so that whatever
else the machine does hits both alike; and no time counts in which a process was stopped. So their
ratio is steady where the rates are not.
"""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from benchmarks.one_node.processes import one_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TURN_S = 0.5
JobT = TypeVar("JobT")


@dataclass(frozen=True)
class Span:
    """When work began and ended by `time.monotonic`, one clock for all processes; its CPU time."""

    began: float
    ended: float
    cpu_s: float


@dataclass
class _Runner:
    """One of the two: `ran` are the times in which it was let run."""

    pid: int
    work: Future[Span]
    ran: list[tuple[float, float]] = field(default_factory=list)

    def turn(self) -> None:
        """Let it run for a turn, or to its end."""
        began = time.monotonic()
        os.kill(self.pid, signal.SIGCONT)
        wait([self.work], TURN_S)
        if not self.work.done():
            os.kill(self.pid, signal.SIGSTOP)
        self.ran.append((began, time.monotonic()))

    def seconds(self) -> float:
        """How long it worked while it ran."""
        span = self.work.result()
        return sum(
            max(0.0, min(ended, span.ended) - max(began, span.began)) for began, ended in self.ran
        )


def in_turns(
    works: tuple[Callable[[JobT], Span], Callable[[JobT], Span]], job: JobT
) -> list[tuple[float, float]]:
    """Do both, the first one first; return seconds and processor seconds of each."""
    with ExitStack() as stack:
        runners = [stack.enter_context(_stopped(work, job)) for work in works]
        while left := [runner for runner in runners if not runner.work.done()]:
            for runner in left:
                runner.turn()
        return [(runner.seconds(), runner.work.result().cpu_s) for runner in runners]


@contextmanager
def _stopped(work: Callable[[JobT], Span], job: JobT) -> Iterator[_Runner]:
    """A process with the work before it, stopped; it runs at the end, so that it can leave."""
    with one_process() as process:
        pid = process.submit(os.getpid).result()
        os.kill(pid, signal.SIGSTOP)
        try:
            yield _Runner(pid, process.submit(work, job))
        finally:
            os.kill(pid, signal.SIGCONT)
