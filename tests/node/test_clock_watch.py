"""When a clock is believed: by the own past, and by what partners' clocks say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from node.clock_watch import JUMP_S, ClockWatch, Doubt, steady_clock
from protocol.limits import CLOCK_SKEW_S

DAY_S = 86_400
BEGIN = 1_800_000_000


class Clocks:
    """A clock that can be set, and one that cannot; `past` is what lies on disk."""

    def __init__(self, past: int = 0) -> None:
        self.now, self.steady = BEGIN, 50.0
        self.watch = ClockWatch(lambda: self.now, lambda: self.steady, lambda: past)

    def run(self, seconds: int) -> None:
        self.now += seconds
        self.steady += seconds

    def heard(self, *ahead_s: int) -> None:
        """Partners say that their clocks are as far ahead of this one."""
        for number, each in enumerate(ahead_s):
            self.watch.heard(f"partner-{number}.example", self.now + each)


def test_a_clock_that_runs_is_believed() -> None:
    clocks = Clocks()
    for _ in range(5):
        clocks.run(30 * DAY_S)
        assert clocks.watch.doubt() is None


def test_a_jump_is_doubted_until_it_is_corrected() -> None:
    clocks = Clocks()
    assert clocks.watch.doubt() is None
    clocks.now += 70 * DAY_S
    assert clocks.watch.doubt() == Doubt(70 * DAY_S, "past")
    clocks.run(60)
    assert clocks.watch.doubt() == Doubt(70 * DAY_S, "past")
    clocks.now -= 70 * DAY_S
    assert clocks.watch.doubt() is None


def test_a_clock_that_is_set_back_is_doubted() -> None:
    clocks = Clocks()
    assert clocks.watch.doubt() is None
    clocks.now -= 3600
    assert clocks.watch.doubt() == Doubt(-3600, "past")
    clocks.now += 3600
    assert clocks.watch.doubt() is None


def test_a_clock_that_is_behind_what_lies_on_disk_is_doubted_from_the_first_look() -> None:
    assert Clocks(past=BEGIN + 40).watch.doubt() == Doubt(-40, "past")
    assert Clocks(past=BEGIN + CLOCK_SKEW_S).watch.doubt() is None
    assert Clocks(past=BEGIN - 400 * DAY_S).watch.doubt() is None


def test_what_stands_for_a_day_is_believed_where_no_partner_says_otherwise() -> None:
    for step in (70 * DAY_S, -3600):
        clocks = Clocks()
        assert clocks.watch.doubt() is None
        clocks.now += step
        assert clocks.watch.doubt() is not None
        clocks.run(JUMP_S)
        assert clocks.watch.doubt() is None
        clocks.run(60)
        assert clocks.watch.doubt() is None


def test_small_corrections_are_believed() -> None:
    clocks = Clocks()
    for step in (3600, -20, 5, -CLOCK_SKEW_S):
        assert clocks.watch.doubt() is None
        clocks.now += step
    assert clocks.watch.doubt() is None


def test_most_partners_decide_and_not_one_alone_among_several() -> None:
    for said, doubt in (
        ((-40,), Doubt(40, "partners")),
        ((400, 390, 0), Doubt(-400, "partners")),
        ((400, 0, 10), None),
        ((400, 0), None),
        ((CLOCK_SKEW_S,), None),
    ):
        clocks = Clocks()
        clocks.heard(*said)
        assert clocks.watch.doubt() == doubt, said


def test_partners_that_agree_end_the_doubt_by_the_own_past() -> None:
    clocks = Clocks(past=BEGIN + 40 * DAY_S)
    assert clocks.watch.doubt() is not None
    clocks.heard(0, 5, 300)
    assert clocks.watch.doubt() is None


def test_partners_that_were_heard_show_a_jump_at_once_and_its_correction() -> None:
    clocks = Clocks()
    clocks.heard(0)
    clocks.run(600)
    clocks.now += 60
    assert clocks.watch.doubt() == Doubt(60, "partners")
    clocks.now -= 60
    assert clocks.watch.doubt() is None


def test_what_partners_said_counts_for_a_day() -> None:
    clocks = Clocks()
    clocks.heard(500)
    assert clocks.watch.has_heard()
    clocks.run(JUMP_S)
    assert clocks.watch.doubt() is None
    assert not clocks.watch.has_heard()


@given(
    right=st.integers(1, 6),
    lies=st.lists(st.integers(-(10**9), 10**9), max_size=5),
    late=st.integers(0, DAY_S - 1),
)
def test_a_right_clock_is_believed_whatever_fewer_partners_than_half_say(
    right: int, lies: list[int], late: int
) -> None:
    clocks = Clocks()
    clocks.heard(*[0] * right, *lies[: right - 1])
    clocks.run(late)
    assert clocks.watch.doubt() is None


async def test_a_doubt_is_logged_when_it_begins_and_when_it_ends() -> None:
    clocks = Clocks(past=BEGIN + 3600)
    with capture_logs() as lines:
        for _ in range(3):
            await clocks.watch.look()
        clocks.now += 3600
        await clocks.watch.look()
    assert [line["event"] for line in lines] == ["clock doubted", "clock believed again"]
    assert lines[0]["ahead_s"] == -3600


def test_the_steady_clock_does_not_go_back() -> None:
    assert steady_clock() <= steady_clock()
