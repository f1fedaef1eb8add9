"""`interlingua catalog`: every version of every collection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.course import course_in_words, filling_in_words
from node.cli.invocation import VerbGroup
from node.cli.output import figures, finish, line
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.register import CatalogLine, Quality, UnderWay

app = VerbGroup()

COLUMNS = (
    "COLLECTION", "VERSION", "STATE", "ENCODER", "COVERED", "OF", "ADAPTER", "QUALITY", "CREATED",
)  # fmt: skip
JUDGED = "ndcg_10"
"""The measure that the gate and the watch look at."""


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
        figures(COLUMNS, [_row(each) for each in result.versions])
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


def _row(one: CatalogLine) -> tuple[str | int, ...]:
    state = f"{one.state}, answers" if one.answers and one.state != "serving" else one.state
    return (
        one.collection, one.version, state, one.encoder, one.covered, one.documents,
        _adapter(one), _quality(one), _day(one.created_at),
    )  # fmt: skip


def _adapter(one: CatalogLine) -> str:
    """The bridge by which it is asked, else the best map into its space, and how many more."""
    if one.asked_over is not None:
        return f"bridge {_short(one.asked_over)}"
    if not one.adapters:
        return "-"
    more = f" +{len(one.adapters) - 1}" if len(one.adapters) > 1 else ""
    return f"{one.adapters[0].kind} {_short(one.adapters[0].adapter)}{more}"


def _quality(one: CatalogLine) -> str:
    """What was measured last, and by whom."""
    last = one.quality[-1] if one.quality else None
    if last is None or JUDGED not in last.figures:
        return "-"
    return f"nDCG@10 {last.figures[JUDGED]:.3f}, {_whose(last)}"


def _whose(found: Quality) -> str:
    return "not noted by whom" if found.by is None else f"by the {found.by}"


def _short(digest: str) -> str:
    """The beginning of a digest, by which people tell two apart."""
    return digest.removeprefix("sha256:")[:8]


def _in_full(one: CatalogLine) -> None:
    """What a table has no room for."""
    envelope = one.envelope
    line()
    line(f"{one.version}  {envelope.provider}/{envelope.model} {envelope.revision}")
    line(f"    space         {one.space}")
    line(f"    probe sketch  {_sketch(envelope.probe)}")
    line(
        f"    envelope      {envelope.pooling} pooling, {envelope.normalisation},"
        f" {envelope.similarity}, {envelope.dimension} components, quantisation"
        f" {envelope.quantisation}"
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
    if one.asked_over is not None:
        line(f"    asked over    bridge {_short(one.asked_over)}, by another model")
    for space, maps in _maps_by_space(one).items():
        line(f"    adapters      {', '.join(maps)}")
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
    told = ", ".join(f"{name} {value:.3f}" for name, value in found.figures.items())
    return f"{_day(found.at)}    {found.questions} golden questions, {_whose(found)}: {told}"


def _sketch(probe: str | None) -> str:
    """The beginning of a sketch of some 300 characters, by which people tell two apart."""
    return "none: the model was not probed" if probe is None else f"{probe[:16]}... (all: --json)"


def _maps_by_space(one: CatalogLine) -> dict[str, list[str]]:
    maps: dict[str, list[str]] = {}
    for each in one.adapters:
        maps.setdefault(each.space, []).append(f"{each.kind} {_short(each.adapter)}")
    return maps


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
