"""A clock that jumps ahead is doubted for a day, one that runs or is set back is not."""

from __future__ import annotations

from node.clock_watch import JUMP_S, ClockWatch, steady_clock

DAY_S = 86_400


class Clocks:
    """A clock that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.now, self.steady = 1_800_000_000, 50.0
        self.watch = ClockWatch(lambda: self.now, lambda: self.steady)

    def run(self, seconds: int) -> None:
        self.now += seconds
        self.steady += seconds


def test_a_clock_that_runs_is_believed() -> None:
    clocks = Clocks()
    for _ in range(5):
        clocks.run(30 * DAY_S)
        assert clocks.watch.ahead_s() == 0


def test_a_jump_is_doubted_until_it_is_corrected() -> None:
    clocks = Clocks()
    clocks.now += 70 * DAY_S
    assert clocks.watch.ahead_s() == 70 * DAY_S
    clocks.run(60)
    assert clocks.watch.ahead_s() == 70 * DAY_S
    clocks.now -= 70 * DAY_S
    assert clocks.watch.ahead_s() == 0


def test_a_jump_that_stands_for_a_day_is_believed() -> None:
    clocks = Clocks()
    clocks.now += 70 * DAY_S
    assert clocks.watch.ahead_s() > 0
    clocks.run(JUMP_S)
    assert clocks.watch.ahead_s() == 0


def test_small_corrections_and_steps_back_are_believed() -> None:
    clocks = Clocks()
    for step in (3600, -3600, -DAY_S * 40, 5):
        clocks.now += step
        assert clocks.watch.ahead_s() == 0


def test_the_steady_clock_does_not_go_back() -> None:
    assert steady_clock() <= steady_clock()
