"""The benchmarks' model that shares no training with the others: WordLlama, from its package."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.adapters.models import Model

pytestmark = pytest.mark.skipif(
    find_spec("wordllama") is None or find_spec("tokenizers") is None,
    reason="not installed: wordllama; `make models` installs it where it can",
)

TEXTS = (
    "a recipe for bread with a slow dough",
    "baking a loaf of sourdough in the oven",
    "the engine of an aeroplane at high speed",
)


def test_its_vectors_come_from_the_package_and_tell_meanings_apart(tmp_path: Path) -> None:
    model = Model("wordllama:256", TEXTS, tmp_path)
    rows = model.encode(TEXTS)
    assert rows.shape == (3, 256)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    bread, loaf, engine = rows
    assert bread @ loaf > max(bread @ engine, loaf @ engine) + 0.1
    assert len(list(tmp_path.iterdir())) == 1, "encoded once, then taken from the cache"
    assert (model.encode(TEXTS) == rows).all()
