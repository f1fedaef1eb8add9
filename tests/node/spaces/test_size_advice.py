from dataclasses import replace

import numpy as np

from node.spaces.create import create_space
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.maps import Ground
from node.spaces.size_advice import size_advice
from tests.adapters.worlds import unit
from tests.node.spaces.consortium import AT, anchor_set, expert, ground, members

A, B, _ = members()


def hazy(organisation: str, dimension: int, seed: int, n: int) -> AnchorEmbeddings:
    """A model with much in its vectors that no other model has, so that few anchors mislead."""
    clear = expert(organisation, dimension, seed, n)
    rng = np.random.default_rng(seed)
    haze = [0.13 * rng.normal(size=(n, dimension)) for _ in range(2)]
    return replace(
        clear, document=unit(clear.document + haze[0]), query=unit(clear.query + haze[1])
    )


def test_more_anchors_bring_ever_less() -> None:
    texts = 2600
    founders = [hazy("a.example", 200, 10, texts), hazy("b.example", 160, 11, texts)]
    manifest, positions = create_space("big", "a.example", anchor_set(texts), founders, 1, AT)
    advice = size_advice(Ground(manifest, anchor_set(texts), positions), founders)
    assert advice is not None
    sizes = [point.anchors for point in advice.points]
    assert len(sizes) == 4
    assert sizes[-1] == manifest.fitted
    reached = [point.mrr.value for point in advice.points]
    assert reached[-1] > reached[0]
    assert advice.doubled.value < reached[-1] - reached[0] + 0.01
    assert (advice.asker, advice.responder) == ("a.example", "b.example")


def test_nothing_is_said_where_there_are_too_few_anchors_or_one_model() -> None:
    assert size_advice(ground(), [A, B]) is None
    assert size_advice(ground(), [A]) is None
    assert size_advice(ground(), [A, A]) is None
