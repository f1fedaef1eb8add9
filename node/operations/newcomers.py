"""Partners who know only the new model, while old and new version answer together.

The rule of this file: such partners are answered as soon as there is a map from the new space into
the old one that is worth its figures, for what the new version lacks would else be lost to them. It
is learned from documents that both versions have, so nothing is encoded for it. docs/adr/0066.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from node.operations.version_changes import switching, tell

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.collections.course import Course
    from node.node import Node

BY = "watch"
"""On whose behalf the leaf of such a map is."""

WHY_CHARS = 256  # of a line in a leaf

_log = structlog.get_logger("course")


async def bring_in(node: Node) -> None:
    """Learn the maps between both models of every course that has documents enough and none yet."""
    from node.operations.errors import translate

    for collection in node.collections.all():
        course = collection.standing.course
        if course is None or course.row.strategy == "bridge":
            continue
        try:
            await _bring_in(node, collection, course)
        except Exception as error:
            cause = translate(error).cause
            _log.warning("course.no map", collection=collection.name, cause=cause)


async def _bring_in(node: Node, collection: Collection, course: Course) -> None:
    import asyncio

    from node.collections.bridge import fit_both_ways, opened
    from node.collections.bridge_sample import enough, sample_of_both
    from node.collections.switching import Reason

    new, serving = course.version, collection.serving
    cover = await asyncio.to_thread(new.coverage)
    ends = {new.space_id, serving.space_id}
    there = any({one.source, one.target} == ends for one in collection.standing.bridges)
    if there or cover.covered < enough(cover.documents):
        return
    sample = await sample_of_both(node.store, new, serving)
    rows = await asyncio.to_thread(
        fit_both_ways, collection.key, sample, new.envelope, serving.envelope
    )
    if collection.standing.course is not course:
        return
    found = next(one for one in opened(rows) if one.target == serving.space_id)
    agreement = found.card.figures["overlap_10"].value
    why = (
        f"share {course.row.share}%: questions of {course.row.encoder} reach {serving.name} over"
        f" {found.adapter}, agreement_10 {agreement:.3f}, {len(sample.digests)} documents"
    )
    told = Reason(BY, why=why[:WHY_CHARS])
    await switching(node, collection).set_course("share", course, told, rows)
    await tell(node)
