"""What is under way in a collection, in words; for `status` and `catalog`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.operations.course_shown import CourseShown, FillingShown


def course_in_words(one: CourseShown) -> str:
    """Say how questions are being moved to another model."""
    if one.strategy == "bridge":
        return f"bridge: questions of {one.encoder} are carried into {one.version}"
    steps = f", then {', '.join(f'{share}%' for share in one.steps)}" if one.steps else ""
    return f"{one.strategy}: {one.version} answers {one.share}% of the questions too{steps}"


def filling_in_words(one: FillingShown) -> str:
    """Say how far a version that does not serve is."""
    said = f"{one.version} ({one.encoder}) covers {one.covered} of {one.documents}"
    if one.rate:
        said += f", at most {one.rate} a second"
    if one.per_second is not None and one.seconds_left is not None:
        said += f", {one.per_second:.1f} a second, {duration(one.seconds_left)} left"
    return said


def duration(seconds: float) -> str:
    """Say how long it takes: `2 h 5 min`, `4 min 10 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
