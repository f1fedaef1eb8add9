"""The demonstration's encoders by their probe sketches, where no downloaded model is installed."""

from dataclasses import replace

import numpy as np
import pytest

from examples.three_organisations.model import Float32, Model
from examples.three_organisations.recipes import fit_cooccurrence
from protocol.envelope import Envelope, Prompts
from protocol.probe import PROBE_TEXTS, adopt, with_sketch
from protocol.truncation import adopt_cut
from protocol.verdict import compare
from tests.examples.test_models import TEXTS

CORPUS = [*PROBE_TEXTS, *TEXTS]


def fitted(texts: list[str]) -> Model:
    return fit_cooccurrence(texts, dimension=24, min_count=1)


@pytest.fixture(scope="module")
def model() -> Model:
    return fitted(CORPUS)


def envelope(of: Model, rows: Float32 | None = None, **names: object) -> Envelope:
    rows = of.encode(list(PROBE_TEXTS)) if rows is None else rows
    fields = {
        "provider": "demonstration", "model": "cooccurrence", "revision": "1",
        "dimension": rows.shape[1], "pooling": "mean", "normalisation": "l2",
        "similarity": "cosine", "prompts": Prompts.of(), **names,
    }  # fmt: skip
    return with_sketch(Envelope.model_validate(fields), rows)


def quantised(model: Model, bits: int) -> Model:
    peak = np.abs(model.token_vectors).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
    scale = np.maximum(peak, np.float32(1e-12))
    return replace(model, token_vectors=np.rint(model.token_vectors / scale) * scale)


def test_the_same_recipe_fitted_elsewhere_shares_the_space_and_is_recognised(model: Model) -> None:
    known, again = envelope(model), fitted(CORPUS)
    assert adopt(envelope(again), [known]).space_id == known.space_id
    assert adopt(envelope(quantised(model, 8)), [known]).space_id == known.space_id
    assert compare(envelope(quantised(model, 8), model="ours", revision="x"), known).recognised


def test_what_was_changed_under_the_same_name_is_told_with_its_distance(model: Model) -> None:
    known = envelope(model)
    for changed in (quantised(model, 3), fitted(CORPUS[: len(CORPUS) // 2])):
        verdict = compare(envelope(changed), known)
        assert (verdict.kind, verdict.recognised) == ("incompatible", False)
        assert "apart" in verdict.reasons[-1]
    prompted = model.encode(["question and answer: " + text for text in PROBE_TEXTS])
    assert not compare(envelope(model, prompted), known).recognised


def test_its_first_components_are_no_space_of_it_unless_they_are_said_to_be(model: Model) -> None:
    rows = model.encode(list(PROBE_TEXTS))
    half = rows.shape[1] // 2
    assert adopt_cut(envelope(model), rows, [envelope(model, rows[:, :half])]) is None
    said = envelope(model, rows[:, :half], truncated_from=rows.shape[1])
    assert adopt_cut(envelope(model), rows, [said]) is not None
