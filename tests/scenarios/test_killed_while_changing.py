"""kill -9 of the whole node while it changes a model: it goes on, and comes to the same end."""

from pathlib import Path

import numpy as np
import pytest

from tests.scenarios.fitted_models import fitted
from tests.scenarios.killed_while_changing import EVENTS, MODELS, Plan, killed, moments

KILLS, SEED = 3, 2
"""The short form; the long one is in the module's docstring."""


@pytest.mark.parametrize("strategy", ["both"])
async def test_killed_at_random_moments_the_node_comes_to_the_same_end(
    tmp_path: Path, strategy: str
) -> None:
    end = await killed(tmp_path, strategy, moments(KILLS, SEED))
    assert end.wrong == []
    assert (len(end.kills), end.asked > 0) == (KILLS, True)
    assert {name: words for name, (words, _) in end.documents.items()} == Plan(tmp_path).expected()
    assert end.events == EVENTS[strategy]
    assert end.states == [("old", "retired"), ("new", "serving")]
    made = fitted(MODELS["new"]).encode([words for words, _ in end.documents.values()])
    for expected, (_, vectors) in zip(made, end.documents.values(), strict=True):
        assert vectors.keys() == {"new"}
        np.testing.assert_allclose(np.frombuffer(vectors["new"], "<f4"), expected, atol=1e-5)
