"""Operations that move questions from one model to the next by a course: both, progressive, stop.

And what a running node does about courses by itself: it raises shares, ends those that have become
worse, and cuts over where a progressive one is through. The rule of this file: every step is
measured before it is taken, and leaves a leaf that says on what it rests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import structlog
from pydantic import BaseModel, Field, model_validator

from node.operations.migration import Migrate, Migrated, begun, filled
from node.operations.registry import Progress, operation
from node.operations.version_changes import put_in_charge, reason, switching, tell

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.collections.course import Course
    from node.collections.judging import Compared
    from node.collections.version import Version
    from node.encoders.encoder import Encoder
    from node.node import Node
    from node.store.course_rows import CourseRow, Strategy

BY = "watch"
"""On whose behalf the leaves of what the node does by itself are."""

WHY_CHARS = 256  # of a line in a leaf

STEPS, EVERY_S = (5, 25, 50, 100), 3600
"""Percent of the questions step by step, and seconds that each lasts, unless told otherwise."""

_log = structlog.get_logger("course")


class AnswerFromBoth(Migrate, extra="forbid"):
    """Answer from the serving version and the new one together while that is filled."""


class Progressive(Migrate, extra="forbid"):
    """Answer a growing share of the questions from both, and at last from the new one alone.

    `share`: percent, each step larger than the one before, ending with 100. `every_s`: seconds that
    each step lasts at least. None: `STEPS` and `EVERY_S`, or as it goes where it is under way.
    """

    share: (
        Annotated[tuple[Annotated[int, Field(ge=1, le=100)], ...], Field(min_length=1)] | None
    ) = None
    every_s: Annotated[int, Field(ge=0, le=31_536_000)] | None = None

    @model_validator(mode="after")
    def _grows(self) -> Progressive:
        share = self.share
        if share is not None and (list(share) != sorted(set(share)) or share[-1] != 100):
            raise ValueError("share: each step is larger than the one before, and the last is 100")
        return self


class StopStrategy(BaseModel, extra="forbid"):
    """The collection in which a course is to end."""

    collection: str


class Stopped(BaseModel):
    """A course that ended: the serving version alone answers. The new one is kept."""

    collection: str
    strategy: str
    serving: str
    version: str


@operation("collection.both")
async def both(node: Node, request: AnswerFromBoth, progress: Progress) -> Migrated:
    """Answer from the old version and the new one while documents are brought over."""
    require_free(node.collections.get(request.collection), "both", node.encoders.get(request.to))
    version = await begun(node, request)
    await _take(node, version, "both", (100,), 0)
    return await filled(node, request, version, progress)


@operation("collection.progressive")
async def progressive(node: Node, request: Progressive, progress: Progress) -> Migrated:
    """Move questions over step by step, most-asked documents first; ends in a cutover."""
    encoder = node.encoders.get(request.to)
    collection = node.collections.get(request.collection)
    require_free(collection, "progressive", encoder)
    _require_same_steps(collection, request)
    version = await begun(node, request)
    every_s = EVERY_S if request.every_s is None else request.every_s
    await _take(node, version, "progressive", request.share or STEPS, every_s)
    return await filled(node, request, version, progress)


@operation("collection.stop")
async def stop(node: Node, request: StopStrategy, progress: Progress) -> Stopped:
    """End a course: the serving version alone answers again."""
    del progress
    collection = node.collections.get(request.collection)
    course = collection.standing.course
    await switching(node, collection).set_course("stopped", None, reason())
    await tell(node)
    if course is None:
        raise AssertionError("a course that is not there cannot end")
    return Stopped(
        collection=collection.name,
        strategy=course.row.strategy,
        serving=collection.version,
        version=course.version.name,
    )


def require_free(collection: Collection, strategy: Strategy, encoder: Encoder) -> None:
    """Refuse a course while another one, or one to another model, is under way. Raises Conflict."""
    from node.operations.errors import Conflict

    course = collection.standing.course
    if course is None:
        return
    if (course.row.strategy, course.source) != (strategy, encoder.envelope.space_id):
        raise Conflict(
            f"{collection.name} is on another way already: {course.row.strategy}, by "
            f"{course.row.encoder}.",
            fix=f"Let it end, or end it: `interlingua collection stop {collection.name}`.",
            code="course-under-way",
        )


def _require_same_steps(collection: Collection, request: Progressive) -> None:
    """Refuse other steps than those of the course that is under way. Raises Conflict."""
    from node.operations.errors import Conflict

    course = collection.standing.course
    if course is None:
        return
    row = course.row
    left = (row.share, *row.steps)
    share = left if request.share is None else request.share
    if share[-len(left) :] == left and request.every_s in (None, row.every_s):
        return
    ahead = ", ".join(f"{step}%" for step in row.steps) or "the cutover"
    raise Conflict(
        f"{collection.name} is on its way by other steps: {row.share}% now, then {ahead}, "
        f"{row.every_s} s each at least.",
        fix=f"Repeat it without --share and --every to go on, or end it and begin anew: "
        f"`interlingua collection stop {collection.name}`.",
        code="course-under-way",
    )


def new_course(
    node: Node,
    collection: Collection,
    strategy: Strategy,
    version: Version,
    encoder: str,
    steps: tuple[int, ...] = (100,),
    every_s: int = 0,
) -> CourseRow:
    """Return the row of a course at its first step."""
    import secrets

    from node.store.course_rows import CourseRow

    return CourseRow(
        collection.key, strategy, version.key, encoder, steps[0], steps[1:], every_s,
        node.clock(), secrets.token_bytes(16),
    )  # fmt: skip


async def _take(
    node: Node, version: Version, strategy: Strategy, steps: tuple[int, ...], every_s: int
) -> None:
    """Begin a course to a version; one that is under way goes on as it is."""
    from node.collections.course import Course

    collection = node.collections.get(version.row.name)
    under_way = collection.standing.course
    same = under_way is not None and under_way.version is version
    if under_way is not None and same and under_way.row.strategy == strategy:
        return
    row = new_course(node, collection, strategy, version, version.encoder_name, steps, every_s)
    course = Course(row, version, version.space_id)
    why = replace(reason(), why=f"share {row.share}%")
    await switching(node, collection).set_course(strategy, course, why)
    await tell(node)


async def advance(node: Node) -> None:
    """Take the steps that are due; a collection whose models cannot be asked waits."""
    from node.operations.errors import translate
    from node.operations.newcomers import bring_in

    await bring_in(node)
    for collection in node.collections.all():
        course = collection.standing.course
        if course is None or course.row.strategy != "progressive":
            continue
        if node.clock() - course.row.since < course.row.every_s:
            continue
        try:
            await _step(node, collection, course)
        except Exception as error:
            cause = translate(error).cause
            _log.warning("course waits", collection=collection.name, cause=cause)


async def watch_course(node: Node, collection: Collection) -> None:
    """End a course by which the golden questions find less than without it, beyond chance."""
    course = collection.standing.course
    compared = None if course is None else await _judged(node, collection)
    if course is None or compared is None:
        return
    from node.collections.judging import GATED

    found = compared.difference[GATED]
    if found.value < -node.settings.versions.worst_drop and found.high < 0:
        await _go_back(node, collection, _told(compared))


async def _step(node: Node, collection: Collection, course: Course) -> None:
    """Raise the share, or cut over after the last step; go back where either would be worse."""
    from node.collections.switching import Reason
    from node.operations.judging import against

    row = course.row
    if not row.steps and course.version.coverage().missing:
        return  # nothing to decide: the watch looks meanwhile
    compared = await _judged(node, collection)
    if collection.standing.course is not course:
        return
    if compared is not None and against(node, compared):
        await _go_back(node, collection, _told(compared))
    elif row.steps:
        share, *rest = row.steps
        row = replace(row, share=share, steps=tuple(rest), since=node.clock())
        why = f"share {share}%: {_told(compared)}"
        then = replace(course, row=row)
        await switching(node, collection).set_course("share", then, Reason(BY, why=why))
        _log.info("course.share", collection=collection.name, share=share)
    else:
        await _end_in_cutover(node, collection, course)


async def _end_in_cutover(node: Node, collection: Collection, course: Course) -> None:
    from node.collections.switching import Reason
    from node.operations.judging import against, measured
    from node.operations.partner_routes import partner_routes

    compared = await measured(node, collection, course.version)
    partners = await partner_routes(node, collection, course.version.space_id)
    lost = against(node, compared) or partners.partners_against
    if lost is not None:
        await _go_back(node, collection, lost)
    elif collection.standing.course is course:
        why = f"share 100%: {_told(compared)}"
        await put_in_charge(node, collection, course.version, Reason(BY, why=why[:WHY_CHARS]))
        _log.info("course.through", collection=collection.name, serving=collection.version)


async def _go_back(node: Node, collection: Collection, why: str) -> None:
    from node.collections.switching import Reason

    told = Reason(BY, why=why[:WHY_CHARS])
    await switching(node, collection).set_course("stopped", None, told)
    await tell(node)
    _log.warning("course.gone back", collection=collection.name, why=why)


async def _judged(node: Node, collection: Collection) -> Compared | None:
    """Compare what the course answers with what the serving version would; None: no questions."""
    from node.collections.finding import of_course
    from node.collections.judging import compare
    from node.store import golden_rows

    with node.store.read() as db:
        questions = golden_rows.of_collection(db, collection.key)
    if not questions:
        return None
    return await compare(collection, of_course(collection, collection.standing), questions)


def _told(compared: Compared | None) -> str:
    """What a step rests on, in words."""
    from node.collections.judging import GATED

    if compared is None:
        return "no golden questions, nothing measured"
    found = compared.difference[GATED]
    measured = f"{GATED} {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
    return f"{measured} on {compared.questions} golden questions"
