"""`interlingua catalog`: every version of every collection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.course import course_in_words, filling_in_words
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, table
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.register import CatalogLine, Quality, UnderWay

app = VerbGroup()

COLUMNS = ("COLLECTION", "VERSION", "STATE", "ENCODER", "DIMENSION", "COVERED", "OF", "CREATED")


@app.command()
def catalog(
    collection: Annotated[
        str | None, typer.Argument(help="One collection, in full.", show_default=False)
    ] = None,
) -> None:
    """List every version of the collections: its space, its documents, and what became of it."""
    from node.operations.register import Catalog, WantedVersions

    result = run_operation("catalog", WantedVersions(collection=collection), Catalog)

    def people() -> None:
        table(COLUMNS, map(_row, result.versions))
        for one in result.under_way:
            for said in _under_way(one):
                line(f"{one.collection}: {said}")
        if collection is not None:
            for each in result.versions:
                _in_full(each)

    finish(
        result,
        people,
        next_step="interlingua catalog COLLECTION"
        if collection is None
        else f"interlingua collection info {collection}",
    )


def _row(one: CatalogLine) -> tuple[object, ...]:
    state = f"{one.state}, answers" if one.answers and one.state != "serving" else one.state
    return (
        one.collection, one.version, state, one.encoder, one.envelope.dimension,
        one.covered, one.documents, _day(one.created_at),
    )  # fmt: skip


def _in_full(one: CatalogLine) -> None:
    """What a table has no room for."""
    envelope = one.envelope
    line()
    line(f"{one.version}  {envelope.provider}/{envelope.model} {envelope.revision}")
    line(f"    space         {one.space}")
    line(f"    probe sketch  {_sketch(envelope.probe)}")
    line(
        f"    envelope      {envelope.pooling} pooling, {envelope.normalisation},"
        f" {envelope.similarity}, quantisation {envelope.quantisation}"
    )
    line(f"    training      {envelope.training_data or 'not stated'}")
    line(f"      until       {one.training_cutoff or 'not stated'}")
    line(f"    fine-tuning   {one.fine_tuning or 'not stated'}")
    line(f"    licence       {envelope.license or 'not stated'}")
    line(f"    vectors       {one.chunks} of {one.covered} documents")
    kept = one.documents - one.by_uri - one.without_text
    line(
        f"    sources       {kept} texts kept, {one.by_uri} read by URI,"
        f" {one.without_text} documents without a text to encode"
    )
    for space, kinds in _kinds_by_space(one).items():
        line(f"    adapters      {', '.join(sorted(kinds))}")
        line(f"      from        {space}")
    for judged in dict.fromkeys(map(_judged, one.quality)):  # often alike, within one day
        line(f"    {judged}")
    for event in one.events:
        former = f" after {event.former}" if event.former else ""
        forced = f", forced: {event.forced}" if event.forced else ""
        why = f", by the {event.by}: {event.reason}" if event.reason else ""
        line(f"    {_day(event.at)}    {event.event}{former}{forced}{why}")


def _under_way(one: UnderWay) -> list[str]:
    """What moves: a course, and versions that are not filled yet."""
    moving = [filling_in_words(each) for each in one.others if each.covered < each.documents]
    return moving if one.course is None else [course_in_words(one.course), *moving]


def _judged(found: Quality) -> str:
    figures = ", ".join(f"{name} {value:.3f}" for name, value in found.figures.items())
    return f"{_day(found.at)}    {found.questions} golden questions: {figures}"


def _sketch(probe: str | None) -> str:
    """The beginning of a sketch of some 300 characters, by which people tell two apart."""
    return "none: the model was not probed" if probe is None else f"{probe[:16]}... (all: --json)"


def _kinds_by_space(one: CatalogLine) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for adapter in one.adapters:
        kinds.setdefault(adapter.space, set()).add(adapter.kind)
    return kinds


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
