"""What people are shown of a course and of versions that are being filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.collections.version import Version


class CourseShown(BaseModel):
    """How questions are being moved to another model (docs/upgrading-models.md).

    `version`: the new one, or the one that a bridge leads to. `share`: percent of the questions
    that it concerns, since when (epoch seconds UTC); `steps` are still to come, each after
    `every_s` seconds at least.
    """

    strategy: Literal["bridge", "both", "progressive"]
    version: str
    encoder: str
    share: int
    steps: tuple[int, ...]
    every_s: int
    since: int


class FillingShown(BaseModel):
    """A version that does not serve: how far it covers its collection.

    `rate`: documents a second at most, 0 for any number; `per_second`: how many there are now;
    `seconds_left`: at that speed. Both None where nothing is being encoded.
    """

    version: str
    encoder: str
    answers: bool
    covered: int
    documents: int
    rate: int
    per_second: float | None
    seconds_left: float | None


def course_shown(collection: Collection) -> CourseShown | None:
    """Return the course of a collection, None where there is none."""
    course = collection.standing.course
    if course is None:
        return None
    row = course.row
    return CourseShown(
        strategy=row.strategy,
        version=course.version.name,
        encoder=row.encoder,
        share=row.share,
        steps=row.steps,
        every_s=row.every_s,
        since=row.since,
    )


def filling_shown(collection: Collection) -> list[FillingShown]:
    """Return the versions that are kept beside the serving one; blocking."""
    standing = collection.standing
    return [_filling(collection, one) for one in standing.kept if one is not standing.serving]


def _filling(collection: Collection, version: Version) -> FillingShown:
    cover, job, standing = version.coverage(), collection.backfill(version), collection.standing
    speed = None if job.idle or not cover.missing else job.per_second
    beside = standing.course is not None and standing.course.version is version
    return FillingShown(
        version=version.name,
        encoder=version.encoder_name,
        answers=version in standing.answering or beside,
        covered=cover.covered,
        documents=cover.documents,
        rate=job.rate,
        per_second=speed,
        seconds_left=None if speed is None else cover.missing / speed,
    )
