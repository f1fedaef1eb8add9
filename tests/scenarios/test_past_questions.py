"""Past questions become golden where askers agreed, people judged, and nobody erased them."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.operations.audit_content import ContentErased, EraseContent
from node.operations.errors import InvalidRequest
from node.operations.judging import GoldenFile, GoldenSet, Judgement, JudgeVersion
from node.operations.migration import Migrate, Migrated
from node.operations.past_questions import PastQuestions, PastWritten
from node.operations.registry import silent
from node.store import golden_rows
from protocol.leaf import AuditRead, Sent
from tests.node.collections.migrator import text
from tests.node.collections.models import add_model
from tests.scenarios.test_migrating import record
from tests.scenarios.world import DOCS, Organisation, World, grant, pair

AGREED, NOT_AGREED = text(3), text(4)


@pytest.fixture
async def lab(world: World) -> Organisation:
    """A lab with a collection of its own, and a partner whom it asks."""
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example")
    for one in (lab, clinic):
        add_model(one.node.encoders, "old", 1)
        collection = await one.node.collections.create(DOCS, "old")
        await collection.ingest(map(record, range(30)), None, silent)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    return lab


async def ask(lab: Organisation, words: str, **fields: Any) -> None:
    found = await lab.ask(vectors=[], texts=[words], encoder="old", own=True, **fields)
    assert {silo.state for silo in found.silos} == {"ok"}


async def written(lab: Organisation, out: Path) -> list[dict[str, object]]:
    asked = PastQuestions(collection=DOCS, out=out)
    await lab.do("collection.questions", asked, PastWritten)
    return [json.loads(line) for line in lines_of(out)]


def lines_of(file: Path) -> list[str]:
    return file.read_text().splitlines()


def golden(lab: Organisation) -> list[str]:
    with lab.node.store.read() as db:
        collection = lab.node.collections.get(DOCS)
        return [one.question for one in golden_rows.of_collection(db, collection.key)]


async def test_a_past_question_is_judged_by_people_and_goes_with_its_record(
    lab: Organisation, tmp_path: Path
) -> None:
    await ask(lab, NOT_AGREED)
    await ask(lab, NOT_AGREED, may_be_judged=False)
    with pytest.raises(InvalidRequest, match="whose asker lets it be judged"):
        await written(lab, tmp_path / "none.jsonl")
    await ask(lab, AGREED, may_be_judged=True)
    add_model(lab.node.encoders, "new", 2)
    await lab.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    file = tmp_path / "past.jsonl"
    (line,) = await written(lab, file)
    assert file.stat().st_mode & 0o777 == 0o600
    (*_, sent) = [at for at, leaf in enumerate(lab.all_leaves()) if isinstance(leaf, Sent)]
    assert (line["question"], line["relevant"], line["asked"]) == (AGREED, [], [sent])
    assert {"id": "d3", "text": AGREED} in line["candidates"]  # type: ignore[operator]  # a list
    assert [leaf.reading for leaf in lab.leaves(AuditRead)] == ["content"]

    request = GoldenFile(collection=DOCS, file=file)
    with pytest.raises(InvalidRequest):  # nobody has judged anything
        await lab.do("collection.golden", request, GoldenSet)
    file.write_text(json.dumps({**line, "relevant": ["d3"]}))
    kept = await lab.do("collection.golden", request, GoldenSet)
    assert (kept.questions, golden(lab)) == (1, [AGREED])
    judged = await lab.do("collection.judge", JudgeVersion(collection=DOCS), Judgement)
    assert (judged.questions, judged.figures["mrr"].other) == (1, 1.0)

    await lab.do("audit.erase", EraseContent(asker="operator"), ContentErased)
    assert golden(lab) == []
    with pytest.raises(InvalidRequest):
        await written(lab, tmp_path / "erased.jsonl")


async def test_what_retention_erased_is_not_judged_by_any_more(
    lab: Organisation, tmp_path: Path, world: World
) -> None:
    await ask(lab, AGREED, may_be_judged=True)
    (line,) = await written(lab, tmp_path / "past.jsonl")
    file = tmp_path / "judged.jsonl"
    file.write_text(json.dumps({**line, "relevant": ["d3"]}))
    await lab.do("collection.golden", GoldenFile(collection=DOCS, file=file), GoldenSet)
    world.time.offset += (lab.node.settings.content.questions_days + 1) * 86_400
    await lab.node.retention.run()
    from node.operations.watching import watch

    await watch(lab.node)
    assert golden(lab) == []
