"""How one measure of two versions is shown: never alone, always with what it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from adapters.metrics import Estimate


class JudgedFigure(BaseModel):
    """One measure: the serving version, the other one, and their paired difference.

    All intervals are of 95%; `low` and `high` are those of the difference, which is what gates.
    """

    serving: float
    serving_interval: tuple[float, float]
    other: float
    other_interval: tuple[float, float]
    difference: float
    low: float
    high: float


def judged_figures(
    serving: dict[str, Estimate], other: dict[str, Estimate], difference: dict[str, Estimate]
) -> dict[str, JudgedFigure]:
    """Return the figures by measure, in the order of the differences."""
    return {
        name: JudgedFigure(
            serving=serving[name].value,
            serving_interval=(serving[name].low, serving[name].high),
            other=other[name].value,
            other_interval=(other[name].low, other[name].high),
            difference=one.value,
            low=one.low,
            high=one.high,
        )
        for name, one in difference.items()
    }
