"""A collection changes between real models under load, where their packages are installed."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.adapters.models import Model
from examples.three_organisations.transformers import minilm
from tests.models.packages import missing, reason
from tests.scenarios.changing import DOCUMENTS, Change, alter, founded, keep_golden
from tests.scenarios.conftest import world
from tests.scenarios.fitted_models import Encode, add_encoder, fitted
from tests.scenarios.provenance import watch_vectors
from tests.scenarios.test_changing_models import aside, by_both
from tests.scenarios.world import Organisation, World

__all__ = ["world"]

pytestmark = [
    pytest.mark.skipif(
        find_spec("wordllama") is None,
        reason="not installed: wordllama; `make models` installs it where it can",
    ),
    pytest.mark.filterwarnings("default"),  # what the models' libraries warn of is not ours
]
needs_transformers = pytest.mark.skipif(bool(missing()), reason=reason())


def encode(name: str, cache: Path) -> Encode:
    """A model by its name; the demo's are fitted."""
    if name == "wordllama":
        return Model("wordllama:256", (), cache).encode
    if name == "minilm":
        return Model(f"sentence-transformers:{minilm()}", (), cache).encode
    return fitted(name).encode


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wordllama", "cooccurrence"),
        pytest.param("wordllama", "minilm", marks=needs_transformers),
    ],
)
async def test_a_collection_changes_between_real_models_under_load(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    old: str,
    new: str,
) -> None:
    models = {"old": old, "new": new, "own": "subword"}

    def add(organisation: Organisation, names: Sequence[str]) -> None:
        for name in names:
            made = encode(models[name], tmp_path)
            add_encoder(organisation.node.encoders, name, models[name], made)

    change: Change = await founded(world, watch_vectors(monkeypatch), add)
    await keep_golden(change.clinic)
    change.start()
    await change.phase("old")
    await (aside if new == "cooccurrence" else by_both)(change)
    await change.phase("new")
    await alter(change.collection, "second ")
    await change.end()
    # by both, what the new version finds by itself is what is found when it has everything: after
    # the cutover the partner through the shared space takes its better route, to the former version
    alone = "new" if new == "cooccurrence" else "everything is covered"
    change.require_never_worse("old", alone)
    change.require_own_spaces()
    await change.require_covered(DOCUMENTS - 2 + 5)
