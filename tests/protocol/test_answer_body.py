"""Three parts in one body, and no other."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.answer_body import AnswerBody, BodyMalformed, split_body, write_body
from protocol.limits import MAX_LEAF_LINE_CHARS


def test_the_form_is_payload_leaf_proof() -> None:
    assert write_body(b'{"v":1}', b"leaf", b"proof\n") == b'{"v":1}\nbGVhZg==\nproof\n'


@given(
    payload=st.binary(min_size=1).filter(lambda raw: b"\n" not in raw),
    leaf=st.binary(min_size=1),
    proof=st.binary(min_size=1),
)
def test_what_is_written_is_read(payload: bytes, leaf: bytes, proof: bytes) -> None:
    assert split_body(write_body(payload, leaf, proof)) == AnswerBody(payload, leaf, proof)


@given(body=st.binary(max_size=60))
def test_other_bytes_are_refused(body: bytes) -> None:
    try:
        parts = split_body(body)
    except BodyMalformed:
        return
    assert write_body(parts.payload, parts.leaf, parts.proof) == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"{}\nbGVhZg==",
        b"{}\nbGVhZg==\n",
        b"\nbGVhZg==\nproof",
        b"{}\n\nproof",
        b"{}\nbGVhZg\nproof",
        b"{}\nbGVhZh==\nproof",
        b"{}\r\nbGVhZg==\r\nproof",
        b"{}\n bGVhZg==\nproof",
        b"{}\nb-_hZg==\nproof",
    ],
)
def test_every_part_has_one_form(body: bytes) -> None:
    with pytest.raises(BodyMalformed):
        split_body(body)


def test_a_leaf_line_is_no_longer_than_the_longest_leaf() -> None:
    line = base64.b64encode(b"x" * 65_535)
    assert len(line) == MAX_LEAF_LINE_CHARS
    assert split_body(b"{}\n" + line + b"\nproof")
    with pytest.raises(BodyMalformed):
        split_body(b"{}\n" + base64.b64encode(b"x" * 65_538) + b"\nproof")


@pytest.mark.parametrize("payload", [b"", b"{\n}"])
def test_a_payload_is_one_line(payload: bytes) -> None:
    with pytest.raises(BodyMalformed):
        write_body(payload, b"leaf", b"proof")
