"""Real models by their probe sketches: the same one is recognised, every change of it is told.

all-MiniLM-L6-v2 is added as `encoder add` adds it, and changed as models change in the field. What
rounding does to one model must stay one space; another use or revision of it must not.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.probe_tolerance import encode, load, noisy, per_row, pooled, rounded, with_weights
from node.encoders.likeness import Known, likenesses
from protocol.card import Route
from protocol.envelope import Envelope, Prompts
from protocol.probe import PROBE_TEXTS, TOLERANCE, adopt, with_sketch
from protocol.truncation import adopt_cut
from protocol.verdict import compare
from tests.models.packages import missing, reason

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=reason()),
    pytest.mark.filterwarnings("default"),  # what the models' libraries warn of is not ours
]

Array = NDArray[np.float32]
Change = Callable[[Any, Array], Array]


@pytest.fixture(scope="module")
def model() -> Any:
    return load(None)


@pytest.fixture(scope="module")
def vectors(model: Any) -> Array:
    return encode(model)


def envelope(vectors: Array, **names: Any) -> Envelope:
    stated = Envelope(
        **{
            "provider": "sentence-transformers", "model": "all-MiniLM-L6-v2", "revision": "r1",
            "dimension": vectors.shape[1], "pooling": "mean", "normalisation": "l2",
            "similarity": "cosine", "prompts": Prompts.of(), **names,
        }
    )  # fmt: skip
    return with_sketch(stated, vectors)


SAME: dict[str, Change] = {
    "one text at a time": lambda m, _: np.vstack([encode(m, [text]) for text in PROBE_TEXTS]),
    "vectors in float16": lambda _, v: v.astype(np.float16).astype(np.float32),
    "vectors in int8": lambda _, v: per_row(v),
    "model in float16": lambda m, _: encode(copy.deepcopy(m).half()),
    "weights in int8": lambda m, _: encode(with_weights(m, rounded(8))),
}

OTHER: dict[str, Change] = {
    "re-quantised to six bits": lambda m, _: encode(with_weights(m, rounded(6))),
    "re-quantised to four bits": lambda m, _: encode(with_weights(m, rounded(4))),
    "a later revision": lambda m, _: encode(with_weights(m, noisy(0.03))),
    "another prompt": lambda m, _: encode(m, ["query: " + text for text in PROBE_TEXTS]),
    "pooling cls": lambda m, _: dict(pooled(m))["pooling cls"],
    "pooling without special tokens": lambda m, _: dict(pooled(m))[
        "pooling without special tokens"
    ],
}


@pytest.mark.parametrize("change", SAME)
def test_rounding_keeps_the_space_and_another_name_is_recognised(
    model: Any, vectors: Array, change: str
) -> None:
    known, rows = envelope(vectors), SAME[change](model, vectors)
    assert adopt(envelope(rows), [known]).space_id == known.space_id
    renamed = envelope(rows, provider="us", model="house-model", revision="7")
    (like,) = likenesses(renamed, [Known("clinic.example", known)])
    assert like.kind == "same-model"
    assert compare(renamed, known).recognised


@pytest.mark.parametrize("change", OTHER)
def test_a_change_under_the_same_name_is_refused_or_adapted_with_its_distance(
    model: Any, vectors: Array, change: str
) -> None:
    known, rows = envelope(vectors), OTHER[change](model, vectors)
    patched = envelope(rows)
    assert adopt(patched, [known]).space_id != known.space_id
    refused = compare(patched, known)
    assert refused.kind == "incompatible"
    assert refused.apart is not None
    assert refused.apart > TOLERANCE
    assert "another model's" in refused.reasons[-1]
    (like,) = likenesses(patched, [Known("clinic.example", known)])
    assert (like.kind, like.apart) == ("same-name", round(refused.apart, 4))
    adapter = "sha256:" + "a" * 64
    way = Route(space=patched.space_id, into=known.space_id, adapter=adapter, kind="ridge")
    adapted = compare(patched, known, [way])
    assert (adapted.kind, adapted.adapter, adapted.apart) == ("adaptable", adapter, refused.apart)


def test_cut_vectors_are_a_space_of_their_own_that_the_whole_model_serves(
    vectors: Array,
) -> None:
    whole, plain = envelope(vectors), envelope(vectors[:, :256])
    cut = envelope(vectors[:, :256], truncated_from=vectors.shape[1])
    assert not compare(plain, whole).recognised
    assert adopt_cut(whole, vectors, [plain]) is None
    adopted = adopt_cut(whole, vectors, [cut])
    assert adopted is not None
    assert adopted.space_id == cut.space_id


def test_a_turned_model_has_the_same_sketch_so_a_person_decides(vectors: Array) -> None:
    """Why a model under another name is recognised and not taken for the same."""
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(vectors.shape[1],) * 2))
    turned = (vectors @ turn).astype(np.float32)
    verdict = compare(envelope(turned, model="turned"), envelope(vectors))
    assert (verdict.kind, verdict.recognised) == ("incompatible", True)
