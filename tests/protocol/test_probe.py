"""The probe sketch: the same model however it is rounded, no other model."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from protocol.envelope import SKETCH_BYTES, Envelope
from protocol.notation import from_base64url, to_base64url
from protocol.probe import (
    PROBE_TEXTS,
    TOLERANCE,
    ProbeUnusable,
    adopt,
    distance,
    sketch,
    with_sketch,
)
from tests.protocol.samples import envelope

N = len(PROBE_TEXTS)
Array = NDArray[np.float32]
RANDOM = np.random.default_rng(7)


def token_vectors(seed: int, dimension: int = 256) -> list[Array]:
    """Token vectors of each probe text under a toy model: one random vector a character trigram."""
    found = []
    for text in PROBE_TEXTS:
        grams = [text[at : at + 3] for at in range(max(1, len(text) - 2))]
        rows = []
        for gram in grams:
            key = hashlib.sha256(f"{seed}{gram}".encode()).digest()
            rows.append(np.random.default_rng(list(key)).standard_normal(dimension))
        found.append(np.asarray(rows, dtype=np.float32))
    return found


TOKENS = token_vectors(1)
MEAN = np.stack([rows.mean(axis=0) for rows in TOKENS])
SKETCH = sketch(MEAN)


def moved(vectors: Array) -> float:
    return distance(SKETCH, sketch(vectors))


def test_the_texts_are_distinct_and_fixed() -> None:
    assert len(set(PROBE_TEXTS)) == N == 24
    digest = hashlib.sha256("\n".join(PROBE_TEXTS).encode()).hexdigest()
    assert digest == TEXTS_DIGEST, "the texts are part of every space id: never change them"


def test_a_sketch_is_the_rounded_cosines_of_all_pairs_in_order() -> None:
    unit = MEAN / np.linalg.norm(MEAN, axis=1, keepdims=True)
    expected = [round(float(unit[i] @ unit[j]) * 127) for i in range(N) for j in range(i + 1, N)]
    found = np.frombuffer(SKETCH, np.int8).tolist()
    assert len(SKETCH) == SKETCH_BYTES
    assert np.abs(np.subtract(found, expected)).max() <= 1
    assert np.mean(np.equal(found, expected)) > 0.99


def test_rounded_vectors_of_one_model_lie_within_tolerance() -> None:
    unit = MEAN / np.linalg.norm(MEAN, axis=1, keepdims=True)
    peak = np.abs(unit).max(axis=1, keepdims=True)
    assert moved(unit.astype(np.float16).astype(np.float32)) <= TOLERANCE / 4
    assert moved(np.rint(unit / peak * 127).astype(np.float32)) <= TOLERANCE
    assert moved(unit * 3.0) <= TOLERANCE / 10


def test_a_model_with_rounded_weights_lies_within_tolerance() -> None:
    half = np.stack([r.astype(np.float16).astype(np.float32).mean(axis=0) for r in TOKENS])
    scale = np.abs(np.concatenate(TOKENS)).max() / 127
    int8 = np.stack([(np.rint(r / scale) * scale).mean(axis=0) for r in TOKENS])
    assert moved(half) <= TOLERANCE / 4
    assert moved(int8) <= TOLERANCE


def test_another_pooling_prompt_or_model_lies_outside() -> None:
    assert moved(np.stack([rows.max(axis=0) for rows in TOKENS])) > TOLERANCE
    assert moved(np.stack([rows[0] for rows in TOKENS])) > TOLERANCE
    prompt = TOKENS[0][:6]
    assert moved(np.stack([np.vstack([prompt, rows]).mean(axis=0) for rows in TOKENS])) > TOLERANCE
    assert moved(np.stack([rows.mean(axis=0) for rows in token_vectors(2)])) > TOLERANCE
    assert moved(MEAN[:, :128]) > TOLERANCE
    assert moved(MEAN - MEAN.mean(axis=0)) > TOLERANCE


def test_texts_in_another_order_are_another_sketch() -> None:
    assert moved(MEAN[::-1]) > TOLERANCE


def test_an_unknown_text_has_cosine_zero_with_all_others() -> None:
    some = MEAN.copy()
    some[3] = 0
    pairs = np.triu_indices(N, k=1)
    of_three = (pairs[0] == 3) | (pairs[1] == 3)
    assert np.all(np.frombuffer(sketch(some), np.int8)[of_three] == 0)


def test_no_sketch_is_made_of_unusable_vectors() -> None:
    mostly_zero = MEAN.copy()
    mostly_zero[: N // 2 + 1] = 0
    broken = MEAN.copy()
    broken[0, 0] = np.nan
    for vectors in (mostly_zero, broken, MEAN[:-1], MEAN[0]):
        with pytest.raises(ProbeUnusable):
            sketch(vectors)


@given(arrays(np.float32, (N, 3), elements=st.floats(width=32)))
def test_any_vectors_give_a_sketch_or_a_named_error(vectors: Array) -> None:
    try:
        made = sketch(vectors)
    except ProbeUnusable:
        return
    assert len(made) == SKETCH_BYTES
    assert -128 not in np.frombuffer(made, np.int8)


@given(st.binary(min_size=SKETCH_BYTES, max_size=SKETCH_BYTES), st.binary(max_size=300))
def test_a_distance_is_symmetric_and_zero_only_to_itself(a: bytes, b: bytes) -> None:
    assert distance(a, a) == 0
    if len(b) != SKETCH_BYTES:
        with pytest.raises(ProbeUnusable):
            distance(a, b)
    else:
        assert distance(a, b) == distance(b, a) > 0 or a == b


def nudged(by: int, count: int) -> Envelope:
    numbers = np.frombuffer(SKETCH, np.int8).astype(np.int16)
    numbers[:count] += by
    return envelope(probe=to_base64url(numbers.astype(np.int8).tobytes()))


OWN = with_sketch(envelope(), MEAN)


def test_a_second_holder_adopts_the_first_ones_id() -> None:
    first, own = nudged(1, 20), OWN.describing(dtype="float16")
    adopted = adopt(own, [envelope(model="other"), first])
    assert adopted.space_id == first.space_id != own.space_id
    assert adopted.dtype == "float16"


def test_of_several_the_nearest_is_adopted() -> None:
    near, far = nudged(1, 5), nudged(1, 100)
    assert adopt(OWN, [far, near]).space_id == adopt(OWN, [near, far]).space_id == near.space_id


def test_an_own_id_is_kept_where_it_is_known() -> None:
    assert adopt(OWN, [nudged(1, 5), OWN]) == OWN


def test_equally_near_ones_are_chosen_alike_in_any_order() -> None:
    a, b = nudged(1, 5), nudged(-1, 5)
    assert adopt(OWN, [a, b]).space_id == adopt(OWN, [b, a]).space_id


def test_another_model_is_not_adopted() -> None:
    for known in (nudged(20, 200), nudged(1, 5).model_copy(update={"pooling": "cls"}), envelope()):
        assert adopt(OWN, [known]) == OWN
    assert adopt(envelope(), [OWN]) == envelope()
    assert adopt(OWN, []) == OWN


def test_a_sketch_travels_as_base64url() -> None:
    assert OWN.probe is not None
    assert from_base64url(OWN.probe) == SKETCH


TEXTS_DIGEST = "3cf45566edf119569f96adb6ab4e816dcf53575051c8365253b19e403f9a5f69"
