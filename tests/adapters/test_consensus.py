from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.consensus import consensus
from adapters.consensus_method import Method
from adapters.errors import Collapsed, TooFewPairs, WrongDimension
from adapters.map import Floats
from adapters.metrics import known_item_ranks
from adapters.procrustes import fit_procrustes
from tests.adapters.worlds import SOURCE, TARGET, turn, two_models, unit

every_method = pytest.mark.parametrize("method", get_args(Method))


def members(seed: int = 0, n: int = 300) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    meaning = rng.normal(size=(n, 12))
    widths = {"a.example": 12, "b.example": 20, "c.example": 16}
    return {
        name: unit(meaning @ turn(rng, width)[:12] + 0.05 * rng.normal(size=(n, width)))
        for name, width in widths.items()
    }


def similarities(rows: Floats) -> Floats:
    return rows @ rows.T


@given(st.integers(0, 1000), st.sampled_from(get_args(Method)))
@settings(max_examples=12, deadline=None)
def test_turning_a_members_space_does_not_move_the_consensus(seed: int, method: Method) -> None:
    plain = members()
    turned = {
        **plain,
        "b.example": (plain["b.example"] @ turn(np.random.default_rng(seed), 20)).astype(
            np.float32
        ),
    }
    first, second = consensus(plain, method).matrix, consensus(turned, method).matrix
    assert np.allclose(similarities(first), similarities(second), atol=1e-3)


@every_method
def test_the_order_in_which_members_are_named_does_not_matter(method: Method) -> None:
    plain = members()
    other = dict(reversed(plain.items()))
    first, second = consensus(plain, method), consensus(other, method)
    assert np.array_equal(first.matrix, second.matrix)
    assert first.shifts == second.shifts


@given(st.permutations(range(300)), st.sampled_from(get_args(Method)))
@settings(max_examples=6, deadline=None)
def test_the_order_of_the_anchors_does_not_matter(order: list[int], method: Method) -> None:
    plain = members()
    other = {name: rows[order] for name, rows in plain.items()}
    first, second = consensus(plain, method).matrix, consensus(other, method).matrix
    assert np.allclose(similarities(first[order]), similarities(second), atol=1e-3)


@every_method
def test_a_members_scale_and_its_mean_do_not_count(method: Method) -> None:
    plain = members()
    other = {**plain, "b.example": (3.0 * plain["b.example"] + 2.0).astype(np.float32)}
    first, second = consensus(plain, method).matrix, consensus(other, method).matrix
    assert np.allclose(similarities(first), similarities(second), atol=1e-3)


def test_whitening_brings_out_what_members_share_though_it_varies_little() -> None:
    rng = np.random.default_rng(5)
    shared = rng.normal(size=(600, 8))
    everyone = {
        # what a member has for itself varies sixteen times as much as what all have
        name: unit(np.hstack([4.0 * rng.normal(size=(600, 6)), shared]) @ turn(rng, 14))
        for name in ("a.example", "b.example", "c.example")
    }
    explained = {}
    for method in get_args(Method):
        hub = consensus(everyone, method).matrix
        fitted, *_ = np.linalg.lstsq(shared, hub, rcond=None)
        explained[method] = 1.0 - np.var(hub - shared @ fitted) / np.var(hub)
    assert explained["whitened"] > 2 * explained["procrustes"]


@every_method
def test_the_space_is_as_wide_as_the_widest_and_its_rows_have_length_one(method: Method) -> None:
    found = consensus(members(), method)
    assert found.matrix.shape == (300, 20)
    assert found.matrix.dtype == np.float32
    assert np.allclose(np.linalg.norm(found.matrix, axis=1), 1.0, atol=1e-5)


@every_method
def test_members_meet_in_the_shared_space(method: Method) -> None:
    everyone = members()
    hub = consensus(everyone, method).matrix
    inward = {
        name: fit_procrustes(rows[:200], hub[:200], SOURCE, TARGET)
        for name, rows in everyone.items()
    }
    mapped = {name: inward[name].apply(rows[200:]) for name, rows in everyone.items()}
    for asker in everyone:
        for responder in everyone:
            ranks = known_item_ranks(mapped[asker], mapped[responder])
            assert np.mean(1 / ranks) > 0.9


@every_method
def test_a_member_that_joins_later_meets_the_others_without_refitting_them(method: Method) -> None:
    everyone = members()
    late = everyone.pop("c.example")
    hub = consensus(everyone, method).matrix
    joined = fit_procrustes(late[:200], hub[:200], SOURCE, TARGET).apply(late[200:])
    host = fit_procrustes(everyone["b.example"][:200], hub[:200], SOURCE, TARGET)
    ranks = known_item_ranks(joined, host.apply(everyone["b.example"][200:]))
    assert np.mean(1 / ranks) > 0.9


@every_method
def test_leaving_out_an_odd_member_moves_the_consensus_most(method: Method) -> None:
    everyone = members()
    odd = unit(np.random.default_rng(9).normal(size=(300, 16)))
    shifts = consensus({**everyone, "odd.example": odd}, method).shifts
    assert max(shifts, key=lambda name: shifts[name]) == "odd.example"
    assert all(shift >= 0 for shift in shifts.values())


def test_with_two_members_there_is_no_leaving_out() -> None:
    everyone = members()
    everyone.pop("c.example")
    assert consensus(everyone).shifts == {}


def test_a_consensus_that_cannot_be_is_refused() -> None:
    everyone = members()
    with pytest.raises(TooFewPairs, match="two members"):
        consensus({"a.example": everyone["a.example"]})
    with pytest.raises(WrongDimension):
        consensus({**everyone, "d.example": everyone["a.example"][:100]})
    with pytest.raises(TooFewPairs):
        consensus({name: rows[:20] for name, rows in everyone.items()})
    flat = np.ones((300, 8), np.float32)
    with pytest.raises(Collapsed, match=r"d\.example"):
        consensus({**everyone, "d.example": flat})


@every_method
def test_every_world_of_two_models_has_a_consensus(method: Method) -> None:
    world = two_models(d_in=8, d_out=30)
    both = {"a.example": world.source_documents, "b.example": world.target_documents}
    found = consensus(both, method)
    assert np.isfinite(found.matrix).all()
