"""A model put in wrongly is stopped by the gate; one that goes wrong later, by the watch."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest
from structlog.testing import capture_logs

from examples.three_organisations.model import TOKENISERS, Float32
from node.gauges import NodeGauges
from node.operations.errors import Conflict
from node.operations.judging import GoldenFile, GoldenSet, Judgement, JudgeVersion
from node.operations.migration import Migrate, Migrated, Switched, SwitchVersion
from node.operations.registry import silent
from node.operations.retiring import Retired, RetireVersion
from node.operations.watching import watch
from protocol.leaf import CollectionChanged
from tests.scenarios.changing import DOCUMENTS, import_anchors, keep_golden, record
from tests.scenarios.fitted_models import WIDTH, add_encoder, fitted
from tests.scenarios.world import DOCS, Organisation, World

GOOD = "word"


def random_vectors(texts: Sequence[str]) -> Float32:
    """Nothing of a text but its digest."""
    seeds = (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts)
    return np.stack([np.random.default_rng(seed).normal(size=WIDTH) for seed in seeds]).astype("f4")


def first_token(texts: Sequence[str]) -> Float32:
    """One token's vector instead of all tokens' mean, as where [CLS] is taken of a mean model."""
    split = TOKENISERS[fitted(GOOD).tokeniser]
    return fitted(GOOD).encode([" ".join(split(text)[:1]) for text in texts])


def unnormalised(texts: Sequence[str]) -> Float32:
    """Sums as long as their texts, compared by their distance."""
    model = fitted(GOOD)
    rows = np.stack([model._sum(text) for text in texts])
    rows[~rows.any(axis=1), 0] = 1.0
    return rows


BAD = {
    "random": (random_vectors, "l2"),
    "first-token": (first_token, "l2"),
    "unnormalised": (unnormalised, "none"),
}


async def serving(world: World, **setting: object) -> Organisation:
    """A clinic with a good old model, and golden questions."""
    clinic = await world.organisation("clinic.example", setting=setting)
    old = fitted("cooccurrence")
    add_encoder(clinic.node.encoders, "old", old.name, old.encode)
    collection = await clinic.node.collections.create(DOCS, "old")
    await collection.ingest(map(record, range(DOCUMENTS)), None, silent)
    await import_anchors(world.directory, clinic)
    return clinic


async def keep_anchors(clinic: Organisation) -> None:
    """Let anchors ask for themselves."""
    file = GoldenFile(collection=DOCS, anchors="public")
    kept = await clinic.do("collection.golden", file, GoldenSet)
    assert kept.questions > 100


async def test_a_model_that_was_put_in_wrongly_is_stopped_by_the_gate(world: World) -> None:
    clinic = await serving(world)
    collection = clinic.node.collections.get(DOCS)
    first = collection.version
    for name, (encode, normalisation) in BAD.items():
        add_encoder(clinic.node.encoders, name, name, encode, normalisation)
        built = await clinic.do("collection.migrate", Migrate(collection=DOCS, to=name), Migrated)
        for keep in (keep_anchors, keep_golden):  # the model alone, and then with its documents
            await keep(clinic)
            judged = await clinic.do("collection.judge", JudgeVersion(collection=DOCS), Judgement)
            assert (judged.against or "").startswith("ndcg_10 -"), (name, keep, judged)
        with pytest.raises(Conflict, match="finds less") as refused:
            await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
        assert refused.value.code == "below-the-bar"
        assert collection.version == first
        await clinic.do(
            "collection.retire", RetireVersion(collection=DOCS, version=built.version), Retired
        )
    assert "cutover" not in [leaf.event for leaf in clinic.leaves(CollectionChanged)]
    good = fitted(GOOD)
    add_encoder(clinic.node.encoders, "good", GOOD, good.encode)
    await clinic.do("collection.migrate", Migrate(collection=DOCS, to="good"), Migrated)
    usual = clinic.node.settings
    told = usual.versions.model_copy(update={"judged_by": "low"})
    clinic.node.settings = usual.model_copy(update={"versions": told})
    # of fifteen questions nothing is sure
    with pytest.raises(Conflict, match="finds less"):
        await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
    judged = await clinic.do("collection.judge", JudgeVersion(collection=DOCS), Judgement)
    assert (judged.judged_by, judged.against is None) == ("low", False)
    clinic.node.settings = usual
    cut = await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
    assert (cut.encoder, cut.forced) == ("good", None)


@pytest.mark.parametrize(("kind", "keep"), [("random", keep_golden), ("first-token", keep_anchors)])
async def test_a_model_that_goes_wrong_after_the_cutover_is_taken_back_by_the_watch(
    world: World, kind: str, keep: Callable[[Organisation], Awaitable[None]]
) -> None:
    clinic = await serving(world, **{"versions.rollback_by_itself": True})
    await keep(clinic)
    collection = clinic.node.collections.get(DOCS)
    first = collection.version
    good = fitted(GOOD)
    backend = add_encoder(clinic.node.encoders, "new", GOOD, good.encode)
    await clinic.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
    await watch(clinic.node)
    assert (collection.encoder.name, clinic.leaves(CollectionChanged)[-1].by) == ("new", "operator")
    backend.encode = BAD[kind][0]
    await watch(clinic.node)
    leaf = clinic.leaves(CollectionChanged)[-1]
    assert (collection.version, leaf.event, leaf.by) == (first, "rollback", "watch")
    assert (leaf.reason or "").startswith("ndcg_10 -")


async def test_without_leave_to_go_back_by_itself_the_watch_alarms_and_waits(world: World) -> None:
    clinic = await serving(world)
    await keep_golden(clinic)
    good = fitted(GOOD)
    backend = add_encoder(clinic.node.encoders, "new", GOOD, good.encode)
    await clinic.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)

    async def worse() -> tuple[bool, bool]:
        clinic.node.serving = True  # before that a node tells of keys and clock alone
        families = {each.name: each for each in NodeGauges(clinic.node, lambda: None).collect()}
        (shown,) = families["interlingua_version_worse"].samples
        alarm = (shown.labels, shown.value) == ({"collection": DOCS}, 1.0)
        return alarm, "version-worse" in await clinic.findings()

    await watch(clinic.node)
    assert await worse() == (False, False)
    backend.encode = random_vectors
    with capture_logs() as lines:
        await watch(clinic.node)
    assert await worse() == (True, True)
    assert [line["log_level"] for line in lines if line["event"] == "version.worse"] == ["warning"]
    assert clinic.node.collections.get(DOCS).encoder.name == "new"
