"""What any map must hold, whichever way it was fitted."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from adapters.errors import (
    Collapsed,
    Duplicates,
    FitRefused,
    NotFinite,
    TooFewPairs,
    WrongDimension,
)
from adapters.files import adapter_digest, decode_adapter, encode_adapter
from adapters.identity import fit_identity, fit_mean
from adapters.map import KINDS, Floats, Map
from adapters.mixture import fit_mixture
from adapters.procrustes import fit_procrustes
from adapters.ridge import fit_ridge
from adapters.shrunk import fit_shrunk
from tests.adapters.worlds import SOURCE, TARGET, two_models

Fit = Callable[[Floats, Floats, str, str], Map]
FITS: dict[str, Fit] = {
    "identity": fit_identity,
    "mean": fit_mean,
    "procrustes": fit_procrustes,
    "ridge": fit_ridge,
    "shrunk": fit_shrunk,
    "mixture": partial(fit_mixture, pairs_a_cluster=150),
}


def test_every_kind_of_map_keeps_this_contract() -> None:
    assert tuple(FITS) == KINDS


every_fit = pytest.mark.parametrize("name", FITS)
WIDTHS = [(24, 24), (16, 40), (40, 16)]


def fitted(name: str, d_in: int = 24, d_out: int = 24) -> Map:
    world = two_models(d_in=d_in, d_out=d_out)
    return FITS[name](world.source_documents, world.target_documents, SOURCE, TARGET)


@every_fit
@pytest.mark.parametrize(("d_in", "d_out"), WIDTHS)
def test_it_maps_between_any_widths_to_unit_float32(name: str, d_in: int, d_out: int) -> None:
    world = two_models(d_in=d_in, d_out=d_out)
    mapped = fitted(name, d_in, d_out).apply(world.source_questions)
    assert mapped.shape == (600, d_out)
    assert mapped.dtype == np.float32
    assert np.allclose(np.linalg.norm(mapped, axis=1), 1.0, atol=1e-5)


@every_fit
def test_it_knows_its_kind_and_direction(name: str) -> None:
    one = fitted(name)
    assert (one.kind, one.source, one.target) == (name, SOURCE, TARGET)


@every_fit
def test_one_row_maps_as_in_a_batch_and_input_stays_as_it_was(name: str) -> None:
    one, world = fitted(name), two_models()
    before = world.source_questions.copy()
    batch = one.apply(world.source_questions)
    assert np.allclose(one.apply(world.source_questions[7:8])[0], batch[7], atol=1e-6)
    assert np.array_equal(world.source_questions, before)


@every_fit
def test_the_same_anchors_give_the_same_file(name: str) -> None:
    assert encode_adapter(fitted(name)) == encode_adapter(fitted(name))


@every_fit
def test_it_survives_its_file(name: str) -> None:
    one = fitted(name)
    raw = encode_adapter(one)
    again = decode_adapter(raw, adapter_digest(raw), SOURCE, TARGET).map
    questions = two_models().source_questions
    assert np.array_equal(again.apply(questions), one.apply(questions))
    assert (again.kind, again.unit) == (one.kind, one.unit)
    assert (again.d_in, again.d_out) == (one.d_in, one.d_out)


@every_fit
def test_a_vector_that_is_not_finite_spoils_no_other_one(name: str) -> None:
    world = two_models()
    spoilt = world.source_questions[:3].copy()
    spoilt[1, 0] = np.nan
    with np.errstate(invalid="ignore"):
        mapped = fitted(name).apply(spoilt)
    assert np.allclose(
        mapped[[0, 2]], fitted(name).apply(world.source_questions[[0, 2]]), atol=1e-6
    )


@every_fit
def test_vectors_of_another_width_are_refused(name: str) -> None:
    with pytest.raises(WrongDimension, match="24 components"):
        fitted(name).apply(np.ones((3, 25), dtype=np.float32))


def nan(rows: Floats) -> Floats:
    return np.where(np.arange(rows.size).reshape(rows.shape) == 5, np.nan, rows)


def constant(rows: Floats) -> Floats:
    return np.repeat(rows[:1], len(rows), axis=0)


def repeated(rows: Floats) -> Floats:
    return np.tile(rows[: len(rows) // 10], (10, 1))


@every_fit
@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(
    ("spoil", "error"), [(nan, NotFinite), (constant, Collapsed), (repeated, Duplicates)]
)
def test_degenerate_anchors_are_refused_by_name(
    name: str, side: str, spoil: Callable[[Floats], Floats], error: type[FitRefused]
) -> None:
    world = two_models()
    anchors = {"source": world.source_documents, "target": world.target_documents}
    anchors[side] = spoil(anchors[side])
    with pytest.raises(error, match=side):
        FITS[name](anchors["source"], anchors["target"], SOURCE, TARGET)


@every_fit
def test_too_few_or_unequal_pairs_are_refused(name: str) -> None:
    world = two_models()
    with pytest.raises(TooFewPairs):
        FITS[name](world.source_documents[:40], world.target_documents[:40], SOURCE, TARGET)
    with pytest.raises(WrongDimension):
        FITS[name](world.source_documents[:400], world.target_documents, SOURCE, TARGET)
