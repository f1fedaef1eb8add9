"""Routes of a node without adapters: the own space, also where a partner minted it under its id."""

import numpy as np
import pytest

from node.federation.routing import NoRoute, SameSpace
from protocol.envelope import Envelope
from protocol.probe import PROBE_TEXTS, with_sketch
from tests.protocol.organisation import card
from tests.protocol.samples import envelope

VECTORS = np.random.default_rng(3).standard_normal((len(PROBE_TEXTS), 64)).astype(np.float32)
NOISE = np.random.default_rng(4).standard_normal(VECTORS.shape).astype(np.float32)


def minted(noise: float) -> Envelope:
    """The envelope that a holder of the model mints whose machine computes a little differently."""
    return with_sketch(envelope(dimension=64), VECTORS + noise * NOISE)


def test_a_partner_with_the_same_space_is_asked_in_it() -> None:
    own = minted(0)
    plan = SameSpace().plan(own, card(spaces=(own,), routes=()), own.space_id)
    assert (plan.envelope, plan.in_map, plan.route) == (own, None, None)


def test_two_holders_of_one_model_who_set_up_before_they_met_understand_each_other() -> None:
    own, theirs = minted(0).describing(dtype="float16"), minted(0.002)
    assert own.space_id != theirs.space_id
    for into in (theirs.space_id, None):
        plan = SameSpace().plan(own, card(spaces=(theirs,), routes=()), into)
        assert plan.envelope.space_id == theirs.space_id
        assert plan.envelope.dtype == "float16"


def test_another_model_is_not_taken_for_the_same() -> None:
    own, theirs = minted(0), minted(0.5)
    with pytest.raises(NoRoute):
        SameSpace().plan(own, card(spaces=(theirs,), routes=()), theirs.space_id)
