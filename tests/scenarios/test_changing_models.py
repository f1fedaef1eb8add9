"""A collection changes between two real encoders by each strategy, and nobody notices."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from node.encoders.errors import EncoderError
from node.operations.bridging import Bridged, BridgeTo
from node.operations.migration import Migrate, Migrated, RolledBack, Switched, SwitchVersion
from node.operations.strategies import AnswerFromBoth, Progressive, advance
from tests.scenarios.changing import DOCUMENTS, Change, alter, founded, keep_golden
from tests.scenarios.fitted_models import add_encoder, fitted
from tests.scenarios.provenance import watch_vectors
from tests.scenarios.world import DOCS, Organisation, World

MODELS = {"old": "cooccurrence", "new": "word", "own": "subword"}
LATER = {**MODELS, "old": "former word"}
"""Over a bridge to a later model of one kind: of so few documents the gate refuses others."""


def adding(models: Mapping[str, str]) -> Callable[[Organisation, Sequence[str]], None]:
    def add(organisation: Organisation, names: Sequence[str]) -> None:
        for name in names:
            model = fitted(models[name])
            add_encoder(organisation.node.encoders, name, models[name], model.encode)

    return add


async def aside(change: Change) -> None:
    """Shadow and blue-green: built beside the one that serves, judged, and then it answers."""
    clinic = change.clinic
    await alter(change.collection, "first ")
    done = await clinic.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    assert done.state == "shadow"
    await change.phase("shadow")
    await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)


async def over_a_bridge(change: Change) -> None:
    """At once: the old index is asked by the new model, while the new version is built."""
    bridge = BridgeTo(collection=DOCS, to="new")
    await change.clinic.do("collection.bridge", bridge, Bridged)
    await change.phase("bridge")
    await aside(change)


async def by_both(change: Change) -> None:
    """Both versions answer while the new one has nothing, some, and everything."""
    clinic, request = change.clinic, AnswerFromBoth(collection=DOCS, to="new")
    model = change.model("new")
    model.fails = True
    with pytest.raises(EncoderError):
        await clinic.do("collection.both", request, Migrated)
    await change.phase("nothing is covered")
    model.fails = False
    await alter(change.collection, "first ")
    await change.phase("some is covered")
    done = await clinic.do("collection.both", request, Migrated)
    assert done.state == "shadow"
    await change.phase("everything is covered")
    await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)


async def step_by_step(change: Change) -> None:
    """A growing share of the questions, each step after the gate, to the cutover by itself."""
    clinic = change.clinic
    request = Progressive(collection=DOCS, to="new", share=(30, 100), every_s=0)
    await clinic.do("collection.progressive", request, Migrated)
    await change.phase("30%")
    await alter(change.collection, "first ")
    await advance(clinic.node)
    await change.phase("100%")
    await advance(clinic.node)


STRATEGIES: dict[str, Callable[[Change], Awaitable[None]]] = {
    "shadow": aside,
    "bridge": over_a_bridge,
    "both": by_both,
    "progressive": step_by_step,
}


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_collection_changes_its_model_under_load_and_nobody_notices(
    world: World, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    models = adding(LATER if strategy == "bridge" else MODELS)
    change = await founded(world, watch_vectors(monkeypatch), models)
    await keep_golden(change.clinic)
    change.start()
    await change.phase("old")
    await STRATEGIES[strategy](change)
    assert change.collection.encoder.name == "new"
    await change.phase("new")
    await alter(change.collection, "second ")
    await change.clinic.do("collection.rollback", RolledBack(collection=DOCS), Switched)
    if strategy == "shadow":
        await change.phase("old again")
        await change.clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
        await change.phase("new again")
    await change.end()
    change.require_never_worse("old", "new", drawn=["30%"])
    change.require_own_spaces()
    await change.require_covered(DOCUMENTS - 2 + 5)
