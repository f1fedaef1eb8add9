"""A clinic moves to another model over a bridge, with both versions, and step by step."""

import pytest

from node.collections.finding import by_both, natively
from node.encoders.errors import EncoderError
from node.federation.ask import AskRequest, AskResult, SiloStatus
from node.operations.bridging import Bridged, BridgeTo, EstimateBridge
from node.operations.errors import Conflict
from node.operations.migration import (
    Migrate,
    Migrated,
    MigrationEstimate,
    RolledBack,
    Switched,
    SwitchVersion,
)
from node.operations.register import Catalog, WantedVersions
from node.operations.registry import NoRequest
from node.operations.retiring import Retired, RetireVersion
from node.operations.status import Status
from node.operations.strategies import (
    AnswerFromBoth,
    Progressive,
    Stopped,
    StopStrategy,
    advance,
)
from node.operations.watching import watch
from protocol.leaf import Answered, CollectionChanged, Received
from tests.node.collections.migrator import text
from tests.node.collections.models import Words, add_model
from tests.node.collections.turned import Turned, add_turned
from tests.scenarios.test_expiries import OPERATIONS, figures
from tests.scenarios.test_migrating import keep_golden, record
from tests.scenarios.world import DOCS, PURPOSE, Organisation, World, grant, only, pair

DOCUMENTS = 120


@pytest.fixture
async def lab_and_clinic(world: World) -> tuple[Organisation, Organisation]:
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example")
    for one in (lab, clinic):
        add_model(one.node.encoders, "old", 1)
        add_turned(one.node.encoders, "new", 1)
    collection = await clinic.node.collections.create(DOCS, "old", title="Documents")
    await collection.ingest(map(record, range(DOCUMENTS)), None, lambda *_: None)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example", queries_per_day=10_000, near_duplicates_per_day=4096))
    return lab, clinic


async def own(clinic: Organisation, number: int) -> AskResult:
    """The clinic asks its own collection for one document by its words."""
    fields = {
        "texts": [text(number)],
        "purpose": PURPOSE,
        "k": 5,
        "encoder": DOCS,
        "collections": [f"{clinic.name}/{DOCS}"],
    }
    return await clinic.do("query", AskRequest.model_validate(fields), AskResult)


def events(clinic: Organisation) -> list[str]:
    return [leaf.event for leaf in clinic.leaves(CollectionChanged)]


async def test_a_new_model_asks_the_old_index_at_once_over_a_bridge(
    lab_and_clinic: tuple[Organisation, Organisation], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, clinic = lab_and_clinic
    estimate = EstimateBridge(collection=DOCS, to="new", price=1.0)
    expected = await clinic.do("collection.estimate-bridge", estimate, MigrationEstimate)
    assert expected.documents == DOCUMENTS
    assert expected.cost is not None
    await keep_golden(clinic)
    made = await clinic.do("collection.bridge", BridgeTo(collection=DOCS, to="new"), Bridged)
    assert made.figures["agreement_10"].value > 0.9  # the models differ by a turn alone
    assert made.golden is not None
    assert made.golden.value == pytest.approx(0, abs=0.02)
    old = add_model(clinic.node.encoders, "old", 1)
    old.fails = True  # the old model may go away at once
    found = await own(clinic, 7)
    (silo,) = found.silos
    assert (silo.state, silo.version, silo.route and silo.route.kind) == ("ok", "v1", "bridge")
    assert found.results[0][0].external_id == "d7"
    theirs = await lab.ask(vectors=[], texts=[text(7)], encoder="new", k=3)
    (silo,) = theirs.silos
    assert silo.route is not None
    assert (silo.state, silo.version, silo.route.kind) == ("ok", "v1", "bridge")
    assert silo.route.adapter == made.adapter
    assert silo.route.partner_figures["agreement_10"].value > 0.9
    answered = clinic.leaves(Answered)[-1]
    assert (answered.version, answered.adapter) == ("v1", made.adapter)
    assert lab.leaves(Received)[-1].version == "v1"
    assert clinic.leaves(CollectionChanged)[-1].event == "bridge"
    old.fails = False
    monkeypatch.setattr(Turned, "see", Words(5).see)  # the new model becomes another one
    await watch(clinic.node)
    leaf = clinic.leaves(CollectionChanged)[-1]
    assert (leaf.event, leaf.by) == ("stopped", "watch")
    assert (leaf.reason or "").startswith("ndcg_10 -")
    assert clinic.node.collections.get(DOCS).encoder.name == "old"
    gone = await lab.ask(vectors=[], texts=[text(7)], encoder="new", k=3)
    assert gone.silos[0].state in ("no-route", "denied")
    with pytest.raises(Conflict, match="finds less"):
        await clinic.do("collection.bridge", BridgeTo(collection=DOCS, to="new"), Bridged)


async def test_both_versions_answer_until_the_new_one_has_everything(
    lab_and_clinic: tuple[Organisation, Organisation],
) -> None:
    lab, clinic = lab_and_clinic
    collection = clinic.node.collections.get(DOCS)
    new = add_turned(clinic.node.encoders, "new", 1)
    new.fails = True  # nothing is covered yet
    request = AnswerFromBoth(collection=DOCS, to="new")
    with pytest.raises(EncoderError):
        await clinic.do("collection.both", request, Migrated)
    (silo,) = (await own(clinic, 3)).silos
    assert (silo.state, silo.version) == ("ok", "v1")  # by the model that answers
    new.fails = False
    await collection.ingest(map(record, range(DOCUMENTS, 150)), None, lambda *_: None)
    (version,) = collection.standing.aside
    assert version.coverage().covered == 30
    for number in (3, 130):  # one that only the old version has, and one that both have
        found = await own(clinic, number)
        (silo,) = found.silos
        assert (silo.state, silo.version, silo.granularity) == ("ok", "v2+v1", "ranks")
        shown = [hit.external_id for hit in found.results[0]]
        assert shown[0] == f"d{number}"
        assert len(set(shown)) == len(shown)
    catalog = await clinic.do("catalog", WantedVersions(collection=DOCS), Catalog)
    ((under_way,), line) = catalog.under_way, catalog.versions[-1]
    assert under_way.course is not None
    assert (under_way.course.strategy, under_way.others[0].covered) == ("both", 30)
    assert (line.state, line.answers) == ("building", True)
    await clinic.do("collection.both", request, Migrated)
    texts = [text(n) for n in range(20)]
    merged = await by_both(collection, collection.serving, version).find(texts, 10)
    assert merged == await natively(version).find(texts, 10)
    with pytest.raises(Conflict, match="on another way"):
        await clinic.do("collection.bridge", BridgeTo(collection=DOCS, to="new"), Bridged)
    ended = await clinic.do("collection.stop", StopStrategy(collection=DOCS), Stopped)
    assert (ended.strategy, ended.serving, ended.version) == ("both", "v1", "v2")
    assert events(clinic) == ["migration-begun", "both", "complete", "stopped"]
    cut = await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
    assert cut.serving == "v2"
    # who came to know only the new model goes on being answered, whatever is begun and ended
    await clinic.do("collection.rollback", RolledBack(collection=DOCS), Switched)
    for _ in range(2):
        theirs = only(await lab.ask(vectors=[], texts=[text(7)], encoder="new", k=3), clinic.name)
        assert theirs.route is not None
        assert (theirs.state, theirs.version, theirs.route.kind) == ("ok", "v1", "bridge")
        await clinic.do("collection.both", request, Migrated)
        await clinic.do("collection.stop", StopStrategy(collection=DOCS), Stopped)


async def test_who_knows_only_the_new_model_is_answered_once_half_is_covered(
    lab_and_clinic: tuple[Organisation, Organisation],
) -> None:
    lab, clinic = lab_and_clinic
    collection = clinic.node.collections.get(DOCS)
    new = add_turned(clinic.node.encoders, "new", 1)
    new.fails = True
    with pytest.raises(EncoderError):
        await clinic.do("collection.both", AnswerFromBoth(collection=DOCS, to="new"), Migrated)
    new.fails = False

    async def asked(number: int) -> SiloStatus:
        result = await lab.ask(vectors=[], texts=[text(number)], encoder="new", k=3)
        return only(result, clinic.name)

    for first in (DOCUMENTS, DOCUMENTS + 60):
        refused = await asked(3)
        assert refused.state == "no-route"
        assert "turned-1 there" in (refused.detail or "")  # what differs is named
        await collection.ingest(map(record, range(first, first + 60)), None, lambda *_: None)
        await advance(clinic.node)
    assert figures(clinic, "interlingua_course_share") == {DOCS: 1.0}
    assert figures(clinic, "interlingua_version_coverage") == {f"{DOCS} v2": 0.5}
    told = OPERATIONS.read_text(encoding="utf-8")
    assert all(f"`interlingua_{name}`" in told for name in ("course_share", "version_coverage"))
    leaf = clinic.leaves(CollectionChanged)[-1]
    assert (leaf.event, leaf.by) == ("share", "watch")
    for number in (3, 200):  # one that only the old version has, and one that both have
        silo = await asked(number)
        assert silo.route is not None
        assert (silo.state, silo.version, silo.route.kind) == ("ok", "v2+v1", "bridge")
        answered = clinic.leaves(Answered)[-1]
        assert answered.version == lab.leaves(Received)[-1].version == "v2+v1"
        assert answered.adapter == silo.route.adapter
        assert (answered.adapter or "") in (leaf.reason or "")
    await clinic.do("collection.stop", StopStrategy(collection=DOCS), Stopped)
    assert (await asked(3)).state in ("no-route", "denied")
    assert figures(clinic, "interlingua_course_share") == {}


async def test_a_share_of_the_questions_grows_step_by_step_and_ends_in_a_cutover(
    lab_and_clinic: tuple[Organisation, Organisation], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, clinic = lab_and_clinic
    collection = clinic.node.collections.get(DOCS)
    await keep_golden(clinic)
    assert (await lab.ask(vectors=[], texts=[text(77)], encoder="old", k=1)).silos[0].hits == 1
    model = add_turned(clinic.node.encoders, "new", 1)
    request = Progressive(collection=DOCS, to="new", share=(30, 100), every_s=0)
    done = await clinic.do("collection.progressive", request, Migrated)
    assert done.covered == DOCUMENTS
    assert model.texts[:2] == [text(77), text(0)]  # what a partner was told of comes first
    for other in ({"share": (50, 100)}, {"every_s": 60}):
        anew = Progressive.model_validate({"collection": DOCS, "to": "new"} | other)
        with pytest.raises(Conflict, match="by other steps: 30% now, then 100%, 0 s"):
            await clinic.do("collection.progressive", anew, Migrated)
    by = [(await own(clinic, n)).silos[0].version for n in range(40)]
    again = [(await own(clinic, n)).silos[0].version for n in range(40)]
    assert by == again  # the same question goes the same way
    assert set(by) == {"v1", "v2+v1"}
    status = await clinic.do("status", NoRequest(), Status)
    (line,) = status.collections
    assert line.course is not None
    assert (line.course.strategy, line.course.share, line.course.steps) == (
        "progressive",
        30,
        (100,),
    )
    monkeypatch.setattr(Turned, "see", Words(5).see)  # a bad model goes back by itself
    await advance(clinic.node)
    leaf = clinic.leaves(CollectionChanged)[-1]
    assert (leaf.event, leaf.by) == ("stopped", "watch")
    monkeypatch.undo()
    await clinic.do("collection.progressive", request, Migrated)
    await advance(clinic.node)
    assert clinic.leaves(CollectionChanged)[-1].event == "share"
    for once_more in (
        request,
        Progressive(collection=DOCS, to="new"),
    ):  # both go on with what is left
        await clinic.do("collection.progressive", once_more, Migrated)
    row = collection.standing.course.row if collection.standing.course else None
    assert row is not None
    assert (row.share, row.steps) == (100, ())
    await advance(clinic.node)
    leaf = clinic.leaves(CollectionChanged)[-1]
    assert (leaf.event, leaf.by, leaf.former) == ("cutover", "watch", "v1")
    assert (collection.version, collection.standing.course) == ("v2", None)
    # who knows only the old model goes on: by the former version, then over a chain that is told
    first = await lab.ask(vectors=[], texts=[text(9)], encoder="old", k=1)
    assert (first.silos[0].version, first.silos[0].hits) == ("v1", 1)
    retire = RetireVersion(collection=DOCS, version="v1", force=True)
    gone = await clinic.do("collection.retire", retire, Retired)
    assert "lab.example" in (gone.forced or "")
    assert (gone.brought_on or 0) > 0.9
    after = await lab.ask(vectors=[], texts=[text(9)], encoder="old", k=1)
    (silo,) = after.silos
    assert silo.route is not None
    assert (silo.state, silo.version, silo.route.kind) == ("ok", "v2", "bridge")
    assert silo.route.partner_figures["agreement_10"].value > 0.9
    with pytest.raises(Exception, match="no former version"):
        await clinic.do("collection.rollback", RolledBack(collection=DOCS), Switched)
    assert isinstance(Migrate(collection=DOCS, to="new"), Migrate)
