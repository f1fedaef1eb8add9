"""A clinic changes the model of a collection while it is asked all the time, and nobody notices."""

import asyncio
import json
from itertools import count
from pathlib import Path

import pytest

from node.federation.ask import AskRequest, AskResult
from node.ingest.record import Record
from node.operations.errors import Conflict, InvalidRequest
from node.operations.judging import GoldenFile, GoldenSet, Judgement, JudgeVersion
from node.operations.migration import (
    EstimateMigration,
    Migrate,
    Migrated,
    MigrationEstimate,
    RolledBack,
    Switched,
    SwitchVersion,
)
from node.operations.register import Catalog, WantedVersions
from node.operations.retiring import Retired, RetireVersion
from node.operations.watching import watch
from protocol.leaf import Answered, CollectionChanged, Received
from tests.node.collections.migrator import text
from tests.node.collections.models import Words, add_model
from tests.scenarios.world import DOCS, PURPOSE, Organisation, World, grant, pair

OLD, NEW = 1, 2
DOCUMENTS = 90


def record(number: int) -> Record:
    return Record(f"d{number}", str(number), text=text(number), labels=frozenset({"open"}))


class Asking:
    """Somebody who asks for one document after another by its own words, without a pause."""

    def __init__(self, asker: Organisation, own: bool) -> None:
        self._asker, self._own = asker, own
        self._stopped = False
        self.asked: asyncio.Queue[None] = asyncio.Queue()
        self.wrong: list[object] = []

    async def run(self) -> None:
        for number in count():
            if self._stopped:
                return
            wanted = number % 80
            result = await self._ask(wanted)
            (silo,) = result.silos
            found = [hit.external_id for hit in result.results[0]]
            right = (
                silo.state == "ok" and silo.hits == 1 and (not self._own or f"d{wanted}" in found)
            )
            if not right:
                self.wrong.append((wanted, silo, found))
            self.asked.put_nowait(None)

    async def some_more(self) -> None:
        for _ in range(self.asked.qsize() + 3):
            await self.asked.get()

    def stop(self) -> None:
        self._stopped = True

    async def _ask(self, number: int) -> AskResult:
        who = {"own": True} if self._own else {"own": False, "encoder": "old"}
        fields = {"texts": [text(number)], "purpose": PURPOSE, "k": 1, **who}
        if self._own:
            fields["collections"] = [f"{self._asker.name}/{DOCS}"]
        return await self._asker.do("query", AskRequest.model_validate(fields), AskResult)


async def keep_golden(clinic: Organisation) -> GoldenSet:
    """Twenty questions that one document each answers, and one that nothing here answers."""
    golden = Path(clinic.node.data.path) / "golden.jsonl"
    asked = [{"question": text(n), "relevant": [f"d{n}"]} for n in range(20)]
    asked.append({"question": "of what is not here", "relevant": ["elsewhere"]})
    golden.write_text("".join(json.dumps(one) + "\n" for one in asked))
    file = GoldenFile(collection=DOCS, file=golden)
    return await clinic.do("collection.golden", file, GoldenSet)


@pytest.fixture
async def lab_and_clinic(world: World) -> tuple[Organisation, Organisation]:
    lab = await world.organisation("lab.example")
    watched = {"versions.rollback_by_itself": True}
    clinic = await world.organisation("clinic.example", setting=watched)
    for one in (lab, clinic):
        add_model(one.node.encoders, "old", OLD)
        add_model(one.node.encoders, "new", NEW)
    collection = await clinic.node.collections.create(DOCS, "old", title="Documents")
    await collection.ingest(map(record, range(DOCUMENTS)), None, lambda *_: None)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example", queries_per_day=10_000, near_duplicates_per_day=4096))
    return lab, clinic


async def test_a_collection_changes_its_model_while_it_is_asked_all_the_time(
    lab_and_clinic: tuple[Organisation, Organisation],
) -> None:
    lab, clinic = lab_and_clinic
    collection = clinic.node.collections.get(DOCS)
    partner, own = Asking(lab, own=False), Asking(clinic, own=True)
    running = asyncio.gather(partner.run(), own.run())
    await partner.some_more()
    estimate = EstimateMigration(collection=DOCS, to="new", price=2.0)
    expected = await clinic.do("collection.estimate", estimate, MigrationEstimate)
    assert (expected.documents, expected.without_text) == (DOCUMENTS, 0)
    migrating = asyncio.create_task(
        clinic.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    )
    await collection.ingest(map(record, range(85, 100)), None, lambda *_: None)
    await collection.delete(["d80", "d81"])
    done = await migrating
    assert (done.state, done.covered, done.documents) == ("shadow", 98, 98)
    await partner.some_more()
    cut = await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
    assert (cut.serving, cut.encoder) == (done.version, "new")
    for each in (partner, own):
        await each.some_more()
    mine = await lab.ask(vectors=[], texts=[text(3)], encoder="new", k=1)
    back = await clinic.do("collection.rollback", RolledBack(collection=DOCS), Switched)
    for each in (partner, own):
        await each.some_more()
        each.stop()
    await running
    assert partner.wrong == own.wrong == []
    assert [silo.version for silo in mine.silos] == [cut.serving]
    assert (back.serving, back.former) == (cut.former, None)
    leaves = clinic.all_leaves()
    events = [leaf.event for leaf in leaves if isinstance(leaf, CollectionChanged)]
    assert events == ["migration-begun", "complete", "cutover", "rollback"]
    named = [
        leaf.version if isinstance(leaf, Answered) else leaf.event
        for leaf in leaves
        if isinstance(leaf, Answered | CollectionChanged)
    ]
    first, last = named.index("cutover"), named.index("rollback")
    assert cut.serving in named[first:last]
    assert cut.serving not in named[:first] + named[last:]
    received = [leaf.version for leaf in lab.leaves(Received) if leaf.version is not None]
    assert set(received) == {cut.serving, cut.former}


async def test_a_bad_model_is_stopped_and_a_retired_one_stays_in_the_catalog(
    lab_and_clinic: tuple[Organisation, Organisation], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, clinic = lab_and_clinic
    collection = clinic.node.collections.get(DOCS)
    await collection.ingest([Record("bare", "1", vector=add_model(
        clinic.node.encoders, "old", OLD).see("bare"))], 1, lambda *_: None)  # fmt: skip
    with pytest.raises(Conflict, match=r"1 documents have no text .*: bare\."):
        await clinic.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    await collection.delete(["bare"])
    await clinic.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    (ahead,) = collection.standing.aside
    assert ahead.space_id in clinic.node.card.current()[0].by_space
    for neither in (GoldenFile(collection=DOCS), GoldenFile(collection=DOCS, titles="title")):
        with pytest.raises(InvalidRequest):  # no source, and no titles
            await clinic.do("collection.golden", neither, GoldenSet)
    kept = await keep_golden(clinic)
    assert (kept.questions, kept.left_out) == (20, 1)
    good = await clinic.do("collection.judge", JudgeVersion(collection=DOCS), Judgement)
    assert (good.against, good.figures["mrr"].other) == (None, 1.0)
    (new,) = collection.standing.aside
    monkeypatch.setattr(add_model(clinic.node.encoders, "new", NEW), "see", Words(3).see)
    switch = SwitchVersion(collection=DOCS)
    with pytest.raises(Conflict, match="finds less"):  # the model has become a bad one
        await clinic.do("collection.cutover", switch, Switched)
    assert collection.serving is not new
    forced = SwitchVersion(collection=DOCS, force=True)
    cut = await clinic.do("collection.cutover", forced, Switched)
    assert (clinic.leaves(CollectionChanged)[-1].forced or "").startswith("ndcg_10 -")
    with pytest.raises(InvalidRequest, match=f"no new version of {DOCS}"):
        await clinic.do("collection.judge", JudgeVersion(collection=DOCS), Judgement)
    add_model(clinic.node.encoders, "new", NEW)
    assert cut.former is not None
    assert (await lab.ask(vectors=[], texts=[text(3)], encoder="old", k=1)).silos[0].hits == 1
    retire = RetireVersion(collection=DOCS, version=cut.former)
    with pytest.raises(Conflict, match=r"lab\.example \(1 questions\)"):
        await clinic.do("collection.retire", retire, Retired)
    retire = RetireVersion(collection=DOCS, version=cut.former, force=True)
    gone = await clinic.do("collection.retire", retire, Retired)
    assert "lab.example" in (gone.forced or "")
    catalog = await clinic.do("catalog", WantedVersions(collection=DOCS), Catalog)
    assert [(one.state, one.encoder, one.covered) for one in catalog.versions] == [
        ("retired", "old", 0),
        ("serving", "new", DOCUMENTS),
    ]
    brought = (await lab.ask(vectors=[], texts=[text(3)], encoder="old", k=1)).silos[0]
    assert brought.route is not None
    assert (brought.state, brought.version, brought.route.kind) == ("ok", cut.serving, "bridge")
    assert brought.route.partner_figures["agreement_10"].value < 0.9  # and says what it loses
    answered = await lab.ask(vectors=[], texts=[text(3)], encoder="new", k=1)
    assert [silo.version for silo in answered.silos] == [cut.serving]


async def test_a_version_that_degrades_after_the_switch_is_taken_back_by_the_watch(
    lab_and_clinic: tuple[Organisation, Organisation], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, clinic = lab_and_clinic
    collection = clinic.node.collections.get(DOCS)
    await clinic.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    await keep_golden(clinic)
    await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
    await collection.delete(["d19"])  # a canary that nothing can find any more says nothing
    await watch(clinic.node)
    look = clinic.node.watch.last(collection)
    assert look is not None
    assert (look.questions, look.now, look.wrong) == (19, 1.0, ())
    model = add_model(clinic.node.encoders, "new", NEW)
    pooled = Words(NEW)  # another pooling behind the same address: the last word alone
    monkeypatch.setattr(model, "see", lambda said: pooled.see(said.split()[-1]))
    lost = collection.version
    await watch(clinic.node)
    assert (collection.encoder.name, collection.standing.former) == ("old", None)
    assert clinic.node.watch.last(collection) is None  # that was of another version
    leaf = clinic.leaves(CollectionChanged)[-1]
    assert (leaf.event, leaf.by, leaf.former) == ("rollback", "watch", lost)
    assert (leaf.reason or "").startswith("ndcg_10 -")
    catalog = await clinic.do("catalog", WantedVersions(collection=DOCS), Catalog)
    new = next(one for one in catalog.versions if one.version == lost)
    assert [found.figures["ndcg_10"] > 0.9 for found in new.quality] == [True, True, False]
    assert [found.by for found in new.quality] == ["gate", "watch", "watch"]
    assert (await lab.ask(vectors=[], texts=[text(3)], encoder="old", k=1)).silos[0].state == "ok"
    await watch(clinic.node)  # the former one is as it was, and there is no other to go back to
    look = clinic.node.watch.last(collection)
    assert look is not None
    assert look.wrong == ()
    assert "version-worse" not in await clinic.findings()
