"""The mixed load: five minutes of it (`pytest -m slow`), and how it judges memory."""

from pathlib import Path

import pytest

from benchmarks.mixed_load.founding import SHAPE
from benchmarks.mixed_load.memory import FLAT, WARM_UP, line
from benchmarks.mixed_load.play import Outcome, Play, play


@pytest.mark.slow
def test_five_minutes_of_everything_at_once_leave_memory_flat_and_nothing_unstated(
    tmp_path: Path,
) -> None:
    outcome = play(Play(tmp_path / "nodes", SHAPE, seconds=300, askers=4))
    assert outcome.errors == []
    assert outcome.well, outcome.told()


def test_growth_after_the_warm_up_is_seen_and_single_peaks_are_not() -> None:
    at = [float(second) for second in range(100)]
    warming = [1_000 + min(second, 30) * 50 for second in range(100)]
    assert line(at, warming)[2] == pytest.approx(0, abs=0.01)
    peaks = [size * (3 if second % 10 == 9 else 1) for second, size in enumerate(warming)]
    assert line(at, peaks)[2] < FLAT
    leaking = [size + 10 * second for second, size in enumerate(warming)]
    begin, slope, rise = line(at, leaking)
    assert slope == pytest.approx(10, rel=0.05)
    assert rise == pytest.approx(10 * 100 * (1 - WARM_UP) / begin, rel=0.05)
    assert rise > FLAT


def test_what_was_not_stated_and_what_never_happened_are_not_well() -> None:
    counts = {"questions": 1, "ingestions": 1, "rotations": 1}
    flat = {"clinic.example": {"begins_mb": 100.0, "bytes_per_second": 0.0, "rise": 0.0}}
    assert Outcome(1.0, counts, [], flat).well
    assert not Outcome(1.0, counts, ["clinic.example: unverifiable"], flat).well
    assert not Outcome(1.0, {**counts, "rotations": 0}, [], flat).well
    risen = {"clinic.example": {**flat["clinic.example"], "rise": FLAT + 0.01}}
    assert not Outcome(1.0, counts, [], risen).well
