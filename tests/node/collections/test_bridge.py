"""A bridge is learned from own documents, and says what it loses."""

import numpy as np
import pytest

from node.collections.bridge import Sample, fit_both_ways, opened
from node.collections.errors import VersionNotFit
from tests.node.collections.rooms import DIMENSION, envelope, vectors

OLD, NEW = envelope(revision="1"), envelope(revision="2")


def sample(other: "np.ndarray[tuple[int, int], np.dtype[np.float32]]", count: int) -> Sample:
    rows = vectors(count, seed=1)
    digests = [f"sha256:{n:064x}" for n in range(count)]
    return Sample(digests, rows, other, rows, other)


def test_what_a_bridge_says_of_itself_is_what_it_does() -> None:
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(DIMENSION, DIMENSION)))[0]
    rows = vectors(300, seed=1)
    good, back = opened(fit_both_ways(1, sample((rows @ turn).astype("f4"), 300), OLD, NEW))
    assert (good.source, good.target) == (back.target, back.source)
    assert {good.source, good.target} == {OLD.space_id, NEW.space_id}
    assert good.card.figures["overlap_10"].value > 0.95
    assert good.row(1).adapter == good.adapter  # the same map, the same file
    assert good.card.fitted_on + good.card.chosen_on + good.card.held_out == 300
    strangers = vectors(300, seed=2)  # nothing to learn
    bad, _ = opened(fit_both_ways(1, sample(strangers, 300), OLD, NEW))
    assert bad.card.figures["overlap_10"].value < 0.3
    assert bad.card.natives["target"].value == 1.0


def test_a_bridge_is_not_learned_from_a_handful() -> None:
    with pytest.raises(VersionNotFit, match="too few"):
        fit_both_ways(1, sample(vectors(79), 79), OLD, NEW)
