"""A collection changes between two real encoders by each strategy, and nobody notices."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from node.operations.migration import Migrate, Migrated, RolledBack, Switched, SwitchVersion
from tests.scenarios.changing import DOCUMENTS, Change, alter, founded, keep_golden
from tests.scenarios.fitted_models import add_encoder, fitted
from tests.scenarios.provenance import watch_vectors
from tests.scenarios.world import DOCS, Organisation, World

MODELS = {"old": "cooccurrence", "new": "word", "own": "subword"}


def add_fitted(organisation: Organisation, names: Sequence[str]) -> None:
    for name in names:
        model = fitted(MODELS[name])
        add_encoder(organisation.node.encoders, name, model.name, model.encode)


async def aside(change: Change) -> None:
    """Shadow and blue-green: built beside the one that serves, judged, and then it answers."""
    clinic = change.clinic
    await alter(change.collection, "first ")
    done = await clinic.do("collection.migrate", Migrate(collection=DOCS, to="new"), Migrated)
    assert done.state == "shadow"
    await change.phase("shadow")
    await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)


STRATEGIES: dict[str, Callable[[Change], Awaitable[None]]] = {"shadow": aside}


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_collection_changes_its_model_under_load_and_nobody_notices(
    world: World, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    change = await founded(world, watch_vectors(monkeypatch), add_fitted)
    await keep_golden(change.clinic)
    change.start()
    await change.phase("old")
    await STRATEGIES[strategy](change)
    await change.phase("new")
    await alter(change.collection, "second ")
    await change.clinic.do("collection.rollback", RolledBack(collection=DOCS), Switched)
    await change.phase("old again")
    await change.clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
    await change.phase("new again")
    await change.end()
    change.require_never_worse("old", "new")
    change.require_own_spaces()
    await change.require_covered(DOCUMENTS - 2 + 5)
    assert change.collection.encoder.name == "new"
