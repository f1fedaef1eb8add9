"""A model that is better by itself, and that partners reach less: they are measured and asked for.

The clinic's new model finds each document by a mark of its own, which nobody else's model sees.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from node import durable_file
from node.ingest.record import Record
from node.operations.errors import Conflict
from node.operations.judging import GoldenFile, GoldenSet, Judgement, JudgeVersion
from node.operations.migration import (
    EstimateMigration,
    Migrate,
    Migrated,
    MigrationEstimate,
    Switched,
    SwitchVersion,
)
from node.operations.strategies import Progressive, advance
from node.spaces.anchor_store import AnchorStore
from node.spaces.embed import embeddings_path
from node.spaces.embedding_file import AnchorEmbeddings
from protocol.leaf import CollectionChanged
from tests.node.spaces.consortium import AT, anchor_set
from tests.node.spaces.test_changed_routes import BLURRED, LAB, OLD, SIZE, founded, joined
from tests.scenarios.test_changing_in_a_shared_space import add_seeing_model
from tests.scenarios.world import DOCS, Organisation, World, grant, pair

DOCUMENTS, ASKED = range(100), range(0, 100, 5)
CODE = "partners-lose"


def join_with(one: Organisation, own: AnchorEmbeddings) -> None:
    """Join the space beside the lab, with the anchors and their own embeddings kept."""
    ground, raw, positions = founded()
    store = AnchorStore(one.node.data.anchors)
    store.add("public", anchor_set(SIZE), AT)
    path = embeddings_path(store, own.anchors, own.space_id)
    path.parent.mkdir(mode=0o700)
    durable_file.replace(path, own.encoded)
    one.node.spaces.keep(ground.manifest, raw, positions, joined(own), [LAB])


def lines(numbers: Sequence[int]) -> str:
    rows = ({"question": f"question {n}", "relevant": [f"d{n}"]} for n in numbers)
    return "".join(json.dumps(row) + "\n" for row in rows)


async def test_a_model_by_which_partners_find_less_is_refused_and_forcing_it_is_logged(
    world: World,
) -> None:
    lab = await world.organisation(LAB.organisation)
    clinic = await world.organisation("clinic.example")
    for name, own in (("old", OLD), ("new", BLURRED)):
        add_seeing_model(clinic, name, own)
    join_with(clinic, OLD)
    collection = await clinic.node.collections.create(DOCS, "old")
    documents = [Record(f"d{n}", str(n), text=f"document {n}") for n in DOCUMENTS]
    await collection.ingest(documents, None, lambda *_: None)
    file = Path(clinic.node.data.path) / "golden.jsonl"
    file.write_text(lines(ASKED))
    await clinic.do("collection.golden", GoldenFile(collection=DOCS, file=file), GoldenSet)
    ahead = EstimateMigration(collection=DOCS, to="new")

    async def estimated() -> MigrationEstimate:
        return await clinic.do("collection.estimate", ahead, MigrationEstimate)

    told = await estimated()
    assert told.partners == ()
    assert "commons: the new model has not joined it" in told.partners_unmeasured[0]
    join_with(clinic, BLURRED)
    await pair(lab, clinic)
    assert (await estimated()).partners == ()  # it may not ask
    await clinic.grant(grant(lab.name, expires="2020-01-01T00:00:00Z"))
    assert (await estimated()).partners == ()  # nor any more
    await clinic.grant(grant(lab.name))
    (partner,) = (await estimated()).partners  # before anything is built
    assert (partner.organisation, partner.space) == (lab.name, "commons")
    figure = partner.figures["ndcg_10"]
    assert figure.low <= figure.difference <= figure.high < 0
    assert figure.serving_interval[0] <= figure.serving <= figure.serving_interval[1]
    assert figure.other_interval[0] <= figure.other <= figure.other_interval[1]
    assert {"ndcg_10", "recall_10", "mrr"} == partner.figures.keys()

    course = Progressive(collection=DOCS, to="new", share=(100,), every_s=0)
    await clinic.do("collection.progressive", course, Migrated)
    await advance(clinic.node)  # what nobody watches does not take over either
    gone_back = clinic.leaves(CollectionChanged)[-1]
    assert (gone_back.event, gone_back.by) == ("stopped", "watch")
    assert (gone_back.reason or "").startswith(f"{lab.name} in commons ndcg_10 -")
    done = await clinic.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    judged = await clinic.do("collection.judge", JudgeVersion(collection=DOCS), Judgement)
    assert judged.against is None  # by itself it is no worse
    assert judged.partners_against == partner.against
    with pytest.raises(Conflict, match=f"partners find less by {done.version}") as refused:
        await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
    assert refused.value.code == CODE
    forced = SwitchVersion(collection=DOCS, force=True)
    cut = await clinic.do("collection.cutover", forced, Switched)
    assert (cut.serving, cut.forced) == (done.version, partner.against)
    assert clinic.leaves(CollectionChanged)[-1].forced == partner.against
