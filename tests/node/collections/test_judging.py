"""What stands against a version: the mean of the difference, or already its interval's low end."""

import pytest

from adapters.metrics import Estimate
from node.collections.judging import GATED, Compared


def compared(value: float, low: float, high: float) -> Compared:
    return Compared(40, {}, {}, {GATED: Estimate(value, low, high)}, 0.5, {}, {})


@pytest.mark.parametrize(
    ("found", "mean", "low"),
    [
        ((-0.01, -0.08, 0.05), False, True),  # too few questions to be sure
        ((-0.01, -0.02, 0.00), False, False),
        ((-0.03, -0.05, -0.01), True, True),
        ((-0.02, -0.02, -0.02), False, False),
    ],
)
def test_the_bar_applies_to_the_mean_or_to_the_low_end(
    found: tuple[float, float, float], mean: bool, low: bool
) -> None:
    one = compared(*found)
    assert (one.stands_against(0.02, "mean") is not None) == mean
    assert (one.stands_against(0.02, "low") is not None) == low
