import numpy as np
import pytest
from numpy.typing import NDArray

from adapters.errors import NotFinite, WrongDimension
from adapters.map import Floats
from adapters.mixture import MixtureMap, fit_mixture
from adapters.regions import regions
from adapters.shrunk import fit_shrunk
from tests.adapters.worlds import SOURCE, TARGET, turn, two_models, unit


def two_regions(n: int = 2000, width: int = 12) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Source and target anchors that differ by one turn in one region and by another elsewhere."""
    rng = np.random.default_rng(5)
    region = rng.integers(2, size=n)
    middle = np.where(region[:, None] == 0, 1.0, -1.0) * np.eye(width)[0]
    source = unit(middle + 0.3 * rng.normal(size=(n, width)))
    turned = [source @ turn(rng, width).T for _ in range(2)]
    target = unit(np.where(region[:, None] == 0, turned[0], turned[1]))
    return source, target, region


def test_regions_that_need_different_maps_get_them() -> None:
    source, target, region = two_regions()
    args = source[:1600], target[:1600], SOURCE, TARGET
    local = fit_mixture(*args, pairs_a_cluster=600, prior_pairs=50)
    whole = fit_shrunk(*args)
    shares = local.shares(source[1600:])
    own = shares[:, 0] > 0.5
    assert max(np.mean(own == region[1600:]), np.mean(own != region[1600:])) > 0.95
    cosines = [
        np.mean(np.sum(m.apply(source[1600:]) * target[1600:], axis=1)) for m in (local, whole)
    ]
    assert cosines[0] > cosines[1] + 0.05


def test_with_a_strong_prior_it_is_the_global_map() -> None:
    world = two_models()
    args = world.source_documents, world.target_documents, SOURCE, TARGET
    local = fit_mixture(*args, pairs_a_cluster=200, prior_pairs=1e12)
    whole = fit_shrunk(*args)
    asked = world.source_questions
    assert np.allclose(local.apply(asked), whole.apply(asked), atol=1e-4)


def test_shares_are_those_of_the_regions_it_was_fitted_with() -> None:
    world = two_models()
    rows = world.source_documents.astype(np.float64)
    found = regions(rows - rows.mean(axis=0), 3)
    local = fit_mixture(
        world.source_documents, world.target_documents, SOURCE, TARGET, pairs_a_cluster=200
    )
    expected = found.shares(rows - rows.mean(axis=0))
    assert np.allclose(local.shares(world.source_documents), expected, atol=1e-3)
    assert np.allclose(expected.sum(axis=1), 1.0)


def made(parts: list[Floats]) -> MixtureMap:
    weight, bias, gate, gate_bias = parts
    return MixtureMap(weight, bias, gate, gate_bias, SOURCE, TARGET)


def test_parts_that_do_not_belong_together_are_refused() -> None:
    ones = [np.ones(shape, np.float32) for shape in [(2, 3, 4), (2, 3), (2, 4), (2,)]]
    assert made(ones).d_in == 4
    for at in range(4):
        with pytest.raises(WrongDimension):
            made([*ones[:at], ones[at][..., :-1], *ones[at + 1 :]])
        with pytest.raises(NotFinite):
            made([*ones[:at], np.full_like(ones[at], np.nan), *ones[at + 1 :]])
