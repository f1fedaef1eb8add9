"""What must hold of every recipe's model, as one contract."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.three_organisations.model import Model, load, save
from examples.three_organisations.recipes import fit, fit_cooccurrence

SUBJECTS = ("array", "socket", "record", "file", "key", "token", "matrix", "header")
ACTIONS = ("sorting", "closing", "reading", "signing", "copying", "parsing", "joining", "hashing")
TEXTS = [
    f"{action} a {subject} before {other} is {'sent' if len(other) % 2 else 'stored'} elsewhere"
    for action in ACTIONS
    for subject in SUBJECTS
    for other in SUBJECTS
]


@pytest.fixture(scope="module")
def model() -> Model:
    return fit_cooccurrence(TEXTS, dimension=8)


def test_rows_have_length_one_whatever_the_text(model: Model) -> None:
    rows = model.encode(["sorting an array", "", "zzz", "reading reading reading"])
    assert rows.dtype == np.float32
    assert rows.shape == (4, 8)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_rows(model: Model) -> None:
    assert model.encode([]).shape == (0, 8)


def test_a_text_is_encoded_alike_alone_and_in_company(model: Model) -> None:
    together = model.encode(TEXTS[:5])
    alone = np.vstack([model.encode([text]) for text in TEXTS[:5]])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_a_model_survives_its_file(model: Model, tmp_path: Path) -> None:
    save(model, tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    assert loaded.revision == model.revision
    np.testing.assert_array_equal(loaded.encode(TEXTS[:9]), model.encode(TEXTS[:9]))


def test_another_fit_is_another_revision(model: Model) -> None:
    assert fit_cooccurrence(TEXTS[: len(TEXTS) // 2], dimension=8).revision != model.revision


def test_a_recipe_that_does_not_exist_is_named() -> None:
    with pytest.raises(KeyError, match="transformer"):
        fit("transformer", TEXTS)


def test_fitting_does_not_depend_on_hash_order() -> None:
    program = (
        "from tests.examples.test_models import TEXTS\n"
        "from examples.three_organisations.recipes import fit_cooccurrence\n"
        "print(fit_cooccurrence(TEXTS, dimension=8).vocabulary)"
    )
    own = os.environ.get("PYTHONHASHSEED")  # this process's order of hashes: random, or as set
    other = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "2" if own == "1" else "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert other == f"{fit_cooccurrence(TEXTS, dimension=8).vocabulary}\n"
