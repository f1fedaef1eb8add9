"""What is told of a new model: shared, the same under another name, or only named alike."""

import numpy as np
import pytest

from node.encoders.errors import EncoderMisconfigured
from node.encoders.likeness import Known, find_space, likenesses
from protocol.envelope import Envelope
from protocol.probe import PROBE_TEXTS, with_sketch
from tests.protocol.samples import envelope

VECTORS = np.random.default_rng(5).standard_normal((len(PROBE_TEXTS), 64)).astype(np.float32)
NOISE = np.random.default_rng(6).standard_normal(VECTORS.shape).astype(np.float32)


def model(noise: float = 0.0, **names: str) -> Envelope:
    return with_sketch(envelope(dimension=64, **names), VECTORS + noise * NOISE)


OWN = model(provider="us", model="ours")


def kinds(*known: Envelope) -> list[str]:
    return [like.kind for like in likenesses(OWN, [Known("them", each) for each in known])]


def test_one_space_is_said_to_be_shared() -> None:
    assert kinds(OWN) == ["shared"]


def test_the_same_model_under_another_name_is_recognised() -> None:
    (like,) = likenesses(OWN, [Known("clinic.example", model(0.01, provider="x", model="theirs"))])
    assert (like.kind, like.holder, like.model) == ("same-model", "clinic.example", "theirs")
    assert like.apart < 0.006


def test_another_model_of_the_same_name_is_told_with_its_distance() -> None:
    (like,) = likenesses(OWN, [Known("clinic.example", model(0.3, provider="us", model="ours"))])
    assert like.kind == "same-name"
    assert like.apart > 0.006
    assert like.words
    assert any("apart" in reason for reason in like.reasons)


def test_a_cut_of_the_model_is_meant_to_lie_apart() -> None:
    cut = with_sketch(
        envelope(dimension=32, provider="us", model="ours", truncated_from=64), VECTORS[:, :32]
    )
    assert likenesses(OWN, [Known("this node", cut)]) == ()
    assert likenesses(cut, [Known("this node", OWN)]) == ()


def test_other_models_under_other_names_are_nothing_to_tell() -> None:
    assert kinds(model(3.0, provider="y", model="z"), envelope(dimension=64, model="ours")) == []


def test_each_space_is_told_once_the_nearest_first() -> None:
    near, far = model(0.01, model="a"), model(0.02, model="b")
    assert kinds(far, near, near) == ["same-model", "same-model"]
    found = likenesses(OWN, [Known("them", far), Known("them", near)])
    assert [each.model for each in found] == ["a", "b"]


def test_a_space_is_named_by_its_id_or_the_beginning_of_it() -> None:
    known = [Known("them", OWN), Known("them", model(model="b")), Known("us", OWN)]
    for wanted in (OWN.space_id, OWN.space_id[:17], OWN.space_id.removeprefix("sha256:")[:8]):
        assert find_space(wanted, known) is OWN
    for wanted in ("sha256:", "sha256:00000000", OWN.space_id[:11]):
        with pytest.raises(EncoderMisconfigured, match="no space that is known here"):
            find_space(wanted, known)
