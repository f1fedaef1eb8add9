"""Splits: every document in one silo, the same for the same seed, topics kept together."""

from pathlib import Path

import numpy as np
import pytest

from node.evaluate.data_set import read
from node.evaluate.errors import CannotSplit
from node.evaluate.splits import split_documents
from tests.adapters.worlds import unit

DATA = read(Path(__file__).with_name("household"))
NAMES = list(DATA.documents)
TOPICS = [name.partition("-")[0] for name in NAMES]


def vectors() -> np.ndarray:
    """Three well-parted bundles, one a topic."""
    rng = np.random.default_rng(3)
    centres = {topic: rng.normal(size=16) for topic in sorted(set(TOPICS))}
    return unit(np.array([centres[t] + 0.1 * rng.normal(size=16) for t in TOPICS]))


def split(how: str, silos: int, seed: int = 0) -> list[int]:
    rows = vectors()
    return [int(n) for n in split_documents(how, NAMES, DATA.metadata, rows, silos, seed)]


@pytest.mark.parametrize("how", ["random", "topic", "field:shelf"])
def test_every_silo_holds_something_and_a_seed_repeats_the_split(how: str) -> None:
    found = split(how, 3)
    assert set(found) == {0, 1, 2}
    assert split(how, 3) == found


@pytest.mark.parametrize("how", ["topic", "field:shelf"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_topics_are_found_and_kept_together(how: str, seed: int) -> None:
    pairs = set(zip(TOPICS, split(how, 3, seed), strict=True))
    assert len(pairs) == 3


def test_a_random_split_deals_evenly_and_follows_the_seed() -> None:
    found = split("random", 4)
    assert sorted(found.count(silo) for silo in range(4)) == [7, 7, 8, 8]
    assert found != split("random", 4, seed=1)


@pytest.mark.parametrize(
    ("how", "silos", "says"),
    [
        ("by hand", 3, "no way to split"),
        ("field:colour", 3, "have no field colour"),
        ("field:shelf", 4, "hold no document"),
        ("topic", 31, "30 documents for 31 silos"),
    ],
)
def test_what_cannot_be_split_is_said(how: str, silos: int, says: str) -> None:
    with pytest.raises(CannotSplit, match=says):
        split(how, silos)
