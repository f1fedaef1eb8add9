from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tensor_file import encode_tensors
from node.spaces.embedding_file import FORMAT, AnchorEmbeddings, decode_embeddings
from node.spaces.errors import EmbeddingsRefused
from tests.node.spaces.consortium import members

OWN = members()[0]


def changed(**fields: object) -> bytes:
    return replace(OWN, **fields).encoded  # type: ignore[arg-type]  # the fields under test


def test_what_is_written_is_read_with_the_same_digest() -> None:
    read = decode_embeddings(OWN.encoded)
    assert (read.organisation, read.envelope, read.anchors) == (
        OWN.organisation,
        OWN.envelope,
        OWN.anchors,
    )
    assert np.array_equal(read.document, OWN.document)
    assert np.array_equal(read.query, OWN.query)
    assert read.digest == OWN.digest == replace(OWN).digest


def test_whose_it_is_is_part_of_the_digest() -> None:
    assert replace(OWN, organisation="z.example").digest != OWN.digest


def test_texts_of_which_a_model_makes_nothing_are_known() -> None:
    document = OWN.document.copy()
    document[3] = 0.0
    read = decode_embeddings(changed(document=document))
    assert list(np.flatnonzero(~read.usable)) == [3]


def nan() -> np.ndarray:
    rows = OWN.document.copy()
    rows[5, 1] = np.nan
    return rows


def mostly_empty() -> np.ndarray:
    rows = OWN.document.copy()
    rows[: len(rows) // 5] = 0.0
    return rows


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (changed(document=nan()), "sound"),
        (changed(document=2 * OWN.document), "length 1"),
        (changed(document=OWN.document[:, :-1].copy(), query=OWN.query[:, :-1].copy()), "16"),
        (changed(document=OWN.document[:-1].copy()), "one row a text"),
        (changed(document=OWN.document.astype("f8"), query=OWN.query.astype("f8")), "float32"),
        (changed(document=mostly_empty()), "makes nothing of 120 of 600"),
        (changed(organisation="Not A Name"), "organisation"),
        (OWN.encoded[:-8], "no file"),
        (b"", "no file"),
        (encode_tensors({"document": OWN.document}, {"format": FORMAT}), "no file"),
        (
            encode_tensors({"document": OWN.document, "query": OWN.query}, {"format": "other"}),
            "format",
        ),
        (
            encode_tensors({"document": OWN.document, "query": OWN.query}, {"format": FORMAT}),
            "whose",
        ),
    ],
)
def test_files_that_are_not_sound_are_refused(raw: bytes, why: str) -> None:
    with pytest.raises(EmbeddingsRefused, match=why):
        decode_embeddings(raw)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_changes_the_digest(place: int, value: int) -> None:
    raw = bytearray(OWN.encoded)
    raw[place] = value
    if bytes(raw) == OWN.encoded:
        return
    try:
        read: AnchorEmbeddings = decode_embeddings(bytes(raw))
    except EmbeddingsRefused:
        return
    assert read.digest != OWN.digest
