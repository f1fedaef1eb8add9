"""The operation that lists every collection version: what its vectors mean, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from node.operations.course_shown import (
    CourseShown,
    FillingShown,
    course_shown,
    filling_shown,
)
from node.operations.registry import Progress, operation
from node.store.switch_rows import Event
from protocol.envelope import Envelope

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.collections.register import Registered
    from node.collections.version import Version
    from node.node import Node
    from protocol.card import Route


class WantedVersions(BaseModel, extra="forbid"):
    """The versions of one collection, or of all."""

    collection: str | None = None


class VersionEvent(BaseModel):
    """What became of a version, when (epoch seconds UTC) and by whom.

    `former`: the version that served before. `forced`: what stood against it and was overruled.
    `reason`: why the node's own watch did it.
    """

    event: Event
    at: int
    by: str | None
    former: str | None
    forced: str | None
    reason: str | None


class AdapterInUse(BaseModel):
    """A map that leads from another space into the version's, by file digest."""

    space: str
    adapter: str
    kind: str


class Quality(BaseModel):
    """What a version reached on so many golden questions, when (epoch seconds UTC).

    `by`: the gate, which judges before a switch, or the watch, which asks canaries again and again;
    None where an older release measured.
    """

    at: int
    questions: int
    figures: dict[str, float]
    by: Literal["gate", "watch"] | None = None


class CatalogLine(BaseModel):
    """One version of one collection.

    `covered` of `documents` have vectors in it, `chunks` in all; the texts of `by_uri` of them stay
    where they are, and `without_text` came as bare vectors, so no other model can encode them.
    `training_cutoff` and `fine_tuning` are what was stated when the encoder was added. `answers`
    says whether questions are answered from it now; `asked_over` is the bridge, by file digest,
    over which another model asks it for the own people, None where its own model does.
    """

    collection: str
    version: str
    state: Literal["building", "shadow", "serving", "retired"]
    answers: bool
    asked_over: str | None = None
    encoder: str
    space: str
    envelope: Envelope
    adapters: tuple[AdapterInUse, ...]
    documents: int
    covered: int
    chunks: int
    by_uri: int
    without_text: int
    training_cutoff: str | None
    fine_tuning: str | None
    created_at: int
    events: tuple[VersionEvent, ...]
    quality: tuple[Quality, ...]


class UnderWay(BaseModel):
    """What is under way in one collection: its course, and versions that do not serve."""

    collection: str
    course: CourseShown | None
    others: tuple[FillingShown, ...]


class Catalog(BaseModel):
    """Every version, oldest first; `retired` ones keep their line and nothing else.

    `under_way`: of each collection that has more than the version that serves.
    """

    versions: tuple[CatalogLine, ...]
    under_way: tuple[UnderWay, ...]


@operation("catalog", role="auditor")
async def catalog(node: Node, request: WantedVersions, progress: Progress) -> Catalog:
    """List every version of the collections: its space, its documents, and what became of it."""
    del progress
    import asyncio

    from node.collections.register import registered

    if request.collection is not None:
        node.collections.get(request.collection)
    _ = node.encoders  # brings the tables up to date
    found = await asyncio.to_thread(registered, node.store, request.collection)
    answering = {
        version.key
        for each in node.collections.all()
        for version in each.standing.kept
        if version in each.standing.answering or version is _beside(each)
    }
    return Catalog(
        versions=tuple(_line(node, each, answering) for each in found),
        under_way=tuple(
            UnderWay(
                collection=each.name,
                course=course_shown(each),
                others=tuple(filling_shown(each)),
            )
            for each in node.collections.all()
            if request.collection in (None, each.name)
            and (len(each.standing.kept) > 1 or each.standing.course is not None)
        ),
    )


def _bridges(node: Node, collection: str) -> list[Route]:
    """The ways over a collection's bridges that are in use."""
    from node.federation.bridging import routes_over

    standings = [each.standing for each in node.collections.all() if each.name == collection]
    return [route for standing in standings for route in routes_over(standing, node.routes)]


def _beside(collection: Collection) -> Version | None:
    """The version that a course lets answer besides."""
    course = collection.standing.course
    return None if course is None else course.version


def _asked_over(node: Node, version: int) -> str | None:
    """The bridge over which own questions reach a version, if any."""
    for standing in (each.standing for each in node.collections.all()):
        if standing.serving.key == version and standing.asked_over is not None:
            return standing.asked_over.adapter
    return None


def _line(node: Node, each: Registered, answering: set[int]) -> CatalogLine:
    row = each.row
    return CatalogLine(
        collection=row.name,
        version=row.version,
        state=row.state,
        answers=row.key in answering,
        asked_over=_asked_over(node, row.key),
        encoder=row.encoder,
        space=row.space_id,
        envelope=row.envelope,
        adapters=tuple(
            AdapterInUse(space=route.space, adapter=route.adapter, kind=route.kind)
            for route in (*node.spaces.routes(row.space_id), *_bridges(node, row.name))
            if route.into == row.space_id and route.adapter is not None
        ),
        documents=each.coverage.documents,
        covered=each.coverage.covered,
        chunks=each.coverage.chunks,
        by_uri=each.by_uri,
        without_text=each.without_text,
        training_cutoff=row.training_cutoff,
        fine_tuning=row.fine_tuning,
        created_at=row.created_at,
        events=tuple(
            VersionEvent(
                event=one.event,
                at=one.at,
                by=one.by,
                former=None if one.former is None else f"v{one.former}",
                forced=one.forced,
                reason=one.reason,
            )
            for one in each.events
        ),
        quality=tuple(
            Quality(at=one.at, questions=one.questions, figures=dict(one.figures), by=one.by)
            for one in each.quality
        ),
    )
