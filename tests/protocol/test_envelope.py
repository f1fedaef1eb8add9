"""The envelope: every space-defining field moves the space id, no describing field does."""

import hashlib
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol.envelope import SKETCH_BYTES, SPACE_FIELDS, Adaptation, Envelope, Prompts
from protocol.notation import to_base64url
from tests.protocol.samples import envelope

OTHER = "sha256:" + "1" * 64
DEFINING: dict[str, Any] = {
    "provider": "other.example",
    "model": "other",
    "revision": "main",
    "modality": "image",
    "dimension": 5,
    "truncated_from": 8,
    "pooling": "cls",
    "normalisation": "none",
    "similarity": "dot",
    "prompts": Prompts.of(document="passage: "),
    "quantisation": "int8",
    "probe": to_base64url(bytes(SKETCH_BYTES)),
}
DESCRIBING: dict[str, Any] = {
    "dtype": "float16",
    "role": "query",
    "max_tokens": 512,
    "training_data": "public web pages until 2024",
    "license": "Apache-2.0",
    "adapted_from": Adaptation(space=OTHER, adapter=OTHER),
    "superseded_by": OTHER,
    "created_at": 1_700_000_000,
}


def test_the_samples_cover_every_field() -> None:
    assert tuple(DEFINING) == SPACE_FIELDS
    assert {*DEFINING, *DESCRIBING, "spec"} == set(Envelope.model_fields)


@pytest.mark.parametrize("field", SPACE_FIELDS)
def test_a_space_defining_field_moves_the_space_id(field: str) -> None:
    assert envelope(**{field: DEFINING[field]}).space_id != envelope().space_id


@pytest.mark.parametrize("field", DESCRIBING)
def test_a_describing_field_does_not(field: str) -> None:
    described = envelope(**{field: DESCRIBING[field]})
    assert described.space_id == envelope().space_id
    assert envelope().describing(**{field: DESCRIBING[field]}) == described


def test_a_changed_copy_has_the_space_id_of_its_own_fields() -> None:
    sample = envelope()
    assert sample.space_id == envelope().space_id
    changed = sample.model_copy(update={"model": "other"})
    assert changed.space_id == envelope(model="other").space_id
    assert sample.space_id == envelope().space_id


def test_the_space_id_is_the_digest_of_the_defining_fields_in_canonical_json() -> None:
    defined = envelope(**DEFINING)
    fields = defined.model_dump(mode="json")
    canonical = rfc8785.dumps({name: fields[name] for name in DEFINING})
    assert defined.space_id == "sha256:" + hashlib.sha256(canonical).hexdigest()


def test_an_absent_field_is_hashed_as_null() -> None:
    assert envelope().space_fields["probe"] is None
    assert b'"probe":null' in rfc8785.dumps(envelope().space_fields)


def test_no_prompt_is_the_empty_text() -> None:
    assert Prompts.of().query == "sha256:" + hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("field", [*SPACE_FIELDS, "spec"])
def test_describing_never_moves_an_envelope_into_another_space(field: str) -> None:
    with pytest.raises(ValueError, match="define the space"):
        envelope().describing(**{field: DEFINING.get(field, 1)})


@given(
    st.fixed_dictionaries({}, optional={k: st.just(v) for k, v in DEFINING.items()}),
    st.fixed_dictionaries({}, optional={k: st.just(v) for k, v in DESCRIBING.items()}),
)
def test_an_envelope_survives_the_wire(defining: Any, describing: Any) -> None:
    sent = envelope(**defining, **describing)
    received = Envelope.model_validate(sent.model_dump(mode="json"))
    assert received == sent
    assert received.space_id == sent.space_id


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"spec": 2},
        {"dimension": 0},
        {"dimension": 8193},
        {"dimension": "4"},
        {"dimension": 4.0},
        {"dimension": True},
        {"truncated_from": 4},
        {"normalisation": "L2"},
        {"similarity": "euclid"},
        {"model": ""},
        {"model": "a\nb"},
        {"model": None},
        {"prompts": {"query": OTHER}},
        {"prompts": {"query": "query: ", "document": OTHER}},
        {"probe": "AAAA"},
        {"probe": to_base64url(bytes(SKETCH_BYTES)) + "="},
        {"dtype": "float64"},
        {"dtype": "int8", "normalisation": "none"},
        {"role": "passage"},
        {"superseded_by": "abc"},
        {"created_at": -1},
    ],
)
def test_a_wrong_envelope_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Envelope.model_validate({**envelope().model_dump(mode="json"), **change})


@pytest.mark.parametrize(
    "field", [f for f in SPACE_FIELDS if Envelope.model_fields[f].is_required()]
)
def test_no_required_field_is_guessed(field: str) -> None:
    fields = envelope().model_dump(mode="json")
    del fields[field]
    with pytest.raises(ValidationError):
        Envelope.model_validate(fields)


def test_the_space_id_that_other_implementations_can_check() -> None:
    assert envelope().space_id == SPACE_ID


SPACE_ID = "sha256:b0cf9825ca9673b2bb18c0487b11e2899dc28c5d9d485a63a7aeec62704db2b6"
