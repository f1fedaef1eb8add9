"""Operations that judge versions of a collection: golden questions, and a comparison by them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from node.operations.judged_figure import JudgedFigure, judged_figures
from node.operations.partner_routes import PartnerRoutes, partner_routes
from node.operations.registry import Progress, operation

if TYPE_CHECKING:
    from adapters.metrics import Estimate
    from node.collections.collection import Collection
    from node.collections.judging import Compared
    from node.collections.version import Version
    from node.node import Node
    from node.store.golden_rows import Golden


class GoldenFile(BaseModel, extra="forbid"):
    """Golden questions in place of those before, from exactly one source.

    `file`: JSONL, or a folder in BEIR's layout. `titles`: the metadata field whose words ask for
    their own document. `anchors`: the anchor set whose query views ask for their document views.
    """

    collection: str
    file: Path | None = None
    titles: str | None = None
    anchors: str | None = None


class GoldenSet(BaseModel):
    """How many golden questions a collection has.

    `left_out`: questions of the file without a right document in it, or documents whose title does
    not ask for them, or is one too many.
    """

    collection: str
    questions: int
    left_out: int


class JudgeVersion(BaseModel, extra="forbid"):
    """The version to compare with the one that serves; by default the only new one."""

    collection: str
    version: str | None = None


class Judgement(PartnerRoutes):
    """What both versions made of the golden questions; `against`: why not to switch, if anything.

    `judged_by` says what of the difference must not lie below -`bar`. `overlap_10` is the share of
    common documents in the first ten. It judges nothing.
    """

    collection: str
    serving: str
    version: str
    questions: int
    figures: dict[str, JudgedFigure]
    overlap_10: float
    bar: float
    judged_by: Literal["mean", "low"]
    against: str | None


@operation("collection.golden")
async def golden(node: Node, request: GoldenFile, progress: Progress) -> GoldenSet:
    """Keep golden questions, by which versions of a collection are judged."""
    del progress
    import asyncio

    from node.operations.errors import InvalidRequest
    from node.store import golden_rows

    collection = node.collections.get(request.collection)
    if [request.file, request.titles, request.anchors].count(None) != 2:
        raise InvalidRequest(
            "Golden questions come from one source.",
            fix="Give a file, or --titles FIELD, or --anchors SET.",
        )
    if request.file is not None:
        useful, left_out = await asyncio.to_thread(_of_file, collection, request.file)
    elif request.titles is not None:
        useful, left_out = await asyncio.to_thread(_of_titles, node, collection, request.titles)
    else:
        useful, left_out = await asyncio.to_thread(_of_anchors, node, request.anchors or "")

    def keep() -> None:
        with node.store.write() as db:
            golden_rows.replace(db, collection.key, useful)

    await asyncio.to_thread(keep)
    return GoldenSet(collection=collection.name, questions=len(useful), left_out=left_out)


def _of_file(collection: Collection, file: Path) -> tuple[list[Golden], int]:
    """The questions that have a right document in the collection, and how many have none."""
    from node.collections.golden import read_golden
    from node.operations.errors import InvalidRequest

    found = read_golden(file)
    there = set(collection.find({key for one in found for key in one.judgments}))
    useful = [one for one in found if not there.isdisjoint(one.judgments)]
    if not useful:
        raise InvalidRequest(
            f"No question of {file.name} has a right document in {collection.name}.",
            fix="Name documents by the ids that they were ingested with.",
        )
    return useful, len(found) - len(useful)


def _of_titles(node: Node, collection: Collection, field: str) -> tuple[list[Golden], int]:
    """The titles that ask for their documents, and how many documents have none of them."""
    from node.collections.golden import from_titles, titled
    from node.operations.errors import InvalidRequest

    useful = from_titles(titled(collection, node.store, field))
    if not useful:
        raise InvalidRequest(
            f"No document of {collection.name} has a title in its metadata field {field!r} that is"
            " not in its text already, as far as the text can be read.",
            fix="Name another field, or give a file with questions that people asked.",
        )
    return useful, collection.documents - sum(len(one.judgments) for one in useful)


def _of_anchors(node: Node, name: str) -> tuple[list[Golden], int]:
    """The anchors that ask for themselves, and how many do not. Raises UnknownAnchors."""
    from node.collections.golden import from_anchors
    from node.operations.errors import InvalidRequest
    from node.spaces.anchor_store import AnchorStore

    store = AnchorStore(node.data.anchors)
    kept = store.load(store.find(name).set_id)
    useful = from_anchors((one.document, one.query) for one in kept.anchors)
    if not useful:
        raise InvalidRequest(
            f"No query view of {name} is a question that its document view does not repeat.",
            fix="Name another set, or give a file with questions that people asked.",
        )
    return useful, len(kept.anchors) - len(useful)


@operation("collection.judge")
async def judge(node: Node, request: JudgeVersion, progress: Progress) -> Judgement:
    """Compare a version with the one that serves, on the golden questions."""
    del progress
    from node.operations.errors import Conflict
    from node.operations.migration import candidate

    collection = node.collections.get(request.collection)
    version = candidate(collection, request.version)
    compared = await measured(node, collection, version)
    if compared is None:
        raise Conflict(
            f"{collection.name} has no golden questions.",
            fix=f"interlingua collection golden {collection.name} FILE",
            code="no-golden-questions",
        )
    told = node.settings.versions
    partners = await partner_routes(node, collection, version.space_id)
    return Judgement(
        collection=collection.name,
        serving=collection.version,
        version=version.name,
        questions=compared.questions,
        figures=judged_figures(compared.serving, compared.other, compared.difference),
        overlap_10=compared.overlap_10,
        bar=told.worst_difference,
        judged_by=told.judged_by,
        against=against(node, compared),
        **dict(partners),
    )


def against(node: Node, compared: Compared | None) -> str | None:
    """What the golden questions have against a version by the settings' bar; None: nothing."""
    told = node.settings.versions
    if compared is None:
        return None
    return compared.stands_against(told.worst_difference, told.judged_by)


async def measured(node: Node, collection: Collection, version: Version) -> Compared | None:
    """Compare on the golden questions, and keep what both reached; None where there are none."""
    import asyncio

    from node.collections.finding import natively
    from node.collections.judging import compare
    from node.operations.past_questions import forget_erased
    from node.store import golden_rows
    from node.store.golden_rows import Measured

    await asyncio.to_thread(forget_erased, node)
    with node.store.read() as db:
        questions = golden_rows.of_collection(db, collection.key)
    if not questions:
        return None
    serving, compared = collection.serving, await compare(collection, natively(version), questions)

    def keep() -> None:
        with node.store.write() as db:
            for one, figures in ((serving, compared.serving), (version, compared.other)):
                means = _means(figures)
                at, count = node.clock(), len(questions)
                golden_rows.note(db, Measured(one.key, at, count, means, "gate"))
            # what the watch will hold the version to, once it serves
            golden_rows.reach(db, version.key, compared.reached, anew=True)
            golden_rows.reach(db, serving.key, compared.reached_before, anew=False)

    await asyncio.to_thread(keep)
    return compared


def _means(figures: dict[str, Estimate]) -> dict[str, float]:
    return {name: round(one.value, 6) for name, one in figures.items()}
