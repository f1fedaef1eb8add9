from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.affine import AffineMap
from adapters.identity import identity
from adapters.procrustes import fit_procrustes, mean_shares
from adapters.quality import HeldOut, known_item_values
from adapters.ridge import fit_ridge
from adapters.shrunk import fit_shrunk
from tests.adapters.worlds import SOURCE, TARGET, turn, two_models, unit


@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
@settings(max_examples=25, deadline=None)
def test_procrustes_recovers_a_planted_rotation(seed: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    source = unit(rng.normal(size=(200, width)))
    planted = turn(rng, width)
    found = fit_procrustes(source, (source @ planted.T).astype(np.float32), SOURCE, TARGET)
    assert np.allclose(found.weight, planted, atol=1e-3)
    assert np.allclose(found.bias, 0.0, atol=1e-3)


@pytest.mark.parametrize(("d_in", "d_out"), [(24, 24), (16, 40), (40, 16)])
def test_procrustes_keeps_lengths_in_the_narrower_space(d_in: int, d_out: int) -> None:
    world = two_models(d_in=d_in, d_out=d_out)
    weight = fit_procrustes(world.source_documents, world.target_documents, SOURCE, TARGET).weight
    narrow = weight.T @ weight if d_in <= d_out else weight @ weight.T
    assert np.allclose(narrow, np.eye(min(d_in, d_out)), atol=1e-5)


def test_ridge_with_little_penalty_recovers_a_planted_linear_map() -> None:
    rng = np.random.default_rng(3)
    source = rng.normal(size=(500, 12)).astype(np.float32)
    planted, shift = rng.normal(size=(20, 12)), rng.normal(size=20)
    target = (source @ planted.T + shift).astype(np.float32)
    found = fit_ridge(source, target, SOURCE, TARGET, penalty=1e-9, unit=False)
    assert np.allclose(found.weight, planted, atol=1e-4)
    assert np.allclose(found.bias, shift, atol=1e-4)


def test_the_mean_does_not_drown_what_a_map_that_shrinks_says() -> None:
    world = two_models()
    lifted = unit(world.target_documents + 1.0)
    part = HeldOut(world.source_questions, world.source_documents, lifted, lifted)
    for penalty in (0.01, 1.0, 1e6):
        found = fit_ridge(world.source_documents, lifted, SOURCE, TARGET, penalty=penalty)
        assert known_item_values((found,), part).mean() > 0.8


def test_between_turn_and_regression_the_penalty_decides() -> None:
    world = two_models(noise=0.2)
    args = (world.source_documents, world.target_documents, SOURCE, TARGET)
    near_turn, near_regression = fit_shrunk(*args, penalty=1e9), fit_shrunk(*args, penalty=1e-9)
    turn_itself, regression = fit_procrustes(*args), fit_ridge(*args, penalty=1e-9)
    asked = world.source_questions
    assert np.allclose(near_turn.apply(asked), turn_itself.apply(asked), atol=1e-3)
    assert np.allclose(near_regression.apply(asked), regression.apply(asked), atol=1e-3)


@given(st.floats(0.01, 100.0))
@settings(max_examples=20, deadline=None)
def test_the_ridge_penalty_means_the_same_at_any_scale_of_the_source(scale: float) -> None:
    world = two_models()
    small = (world.source_documents * np.float32(scale)).astype(np.float32)
    plain = fit_ridge(world.source_documents, world.target_documents, SOURCE, TARGET)
    scaled = fit_ridge(small, world.target_documents, SOURCE, TARGET)
    assert np.allclose(
        plain.apply(world.source_documents[:50]), scaled.apply(small[:50]), atol=1e-4
    )


@pytest.mark.parametrize("fit", [fit_ridge, fit_shrunk])
@pytest.mark.parametrize("penalty", [0.0, -1.0, float("nan")])
def test_a_penalty_that_is_not_positive_is_refused(
    fit: Callable[..., AffineMap], penalty: float
) -> None:
    world = two_models()
    with pytest.raises(ValueError, match="above zero"):
        fit(world.source_documents, world.target_documents, SOURCE, TARGET, penalty=penalty)


def test_how_much_of_the_mean_comes_back_is_a_question_only_where_it_is_large() -> None:
    rng = np.random.default_rng(0)
    centred = unit(rng.normal(size=(400, 24)))
    assert mean_shares(centred) == (1.0,)
    assert mean_shares(unit(centred + 0.3)) == (0.0, 0.5, 1.0)


def test_a_share_of_zero_leaves_the_targets_mean_out() -> None:
    world = two_models()
    args = (world.source_documents, world.target_documents, SOURCE, TARGET)
    with_mean = fit_procrustes(*args, mean_share=1.0)
    without = fit_procrustes(*args, mean_share=0.0)
    added, mean = with_mean.bias - without.bias, world.target_documents.mean(axis=0)
    assert np.allclose(unit(added[None]), unit(mean[None]), atol=1e-5)
    # a turn keeps lengths, and both sides spread alike here
    assert np.linalg.norm(added) == pytest.approx(np.linalg.norm(mean), rel=0.05)


def test_the_identity_passes_vectors_through() -> None:
    world = two_models()
    mapped = identity(24, SOURCE).apply(world.source_questions)
    assert np.allclose(mapped, world.source_questions, atol=1e-6)
