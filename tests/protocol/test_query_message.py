"""The question's body: strict JSON, known members, bounded values."""

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol.limits import MAX_JSON_DEPTH, MAX_K, MAX_QUERY_BYTES, MAX_RESULTS
from protocol.problems import Code, Refused
from protocol.query_message import GRANULARITIES, Query, _judged
from protocol.vectors import VectorsRefused, decode, encode
from tests.protocol.exchange import ENVELOPE, QUESTION, question

RAW = QUESTION.encode()
FIELDS: dict[str, Any] = orjson.loads(RAW)


def refused(raw: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        Query.parse(raw)
    assert caught.value.code is Code.MESSAGE_INVALID
    assert caught.value.authenticated
    return caught.value


def changed(**members: Any) -> bytes:
    return orjson.dumps(FIELDS | members)


def test_what_is_written_is_read() -> None:
    assert Query.parse(RAW) == QUESTION
    full = question(granularity="count", actor="c", agreement="dua-1", route="sha256:" + "0" * 64)
    assert Query.parse(full.encode()) == full


def test_an_absent_member_is_left_out_and_may_be_null() -> None:
    assert b"null" not in RAW
    assert Query.parse(changed(route=None, actor=None)) == QUESTION


BODIES: dict[str, bytes] = {
    "empty": b"",
    "truncated": RAW[:-1],
    "not UTF-8": RAW.replace(b"papers", b"pap\xffrs"),
    "UTF-16": RAW.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + RAW,
    "a list": b"[" + RAW + b"]",
    "two objects": RAW + RAW,
    "a doubled member": RAW.replace(b'"k":3', b'"k":3,"k":3'),
    "NaN": RAW.replace(b'"k":3', b'"k":NaN'),
    "Infinity": RAW.replace(b'"k":3', b'"k":Infinity'),
    "deep nesting": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "one level too deep": b'{"a":' * (MAX_JSON_DEPTH + 1) + b"1" + b"}" * (MAX_JSON_DEPTH + 1),
    "an unknown member": changed(extra=1),
    "an unknown member below": changed(vectors=FIELDS["vectors"] | {"extra": 1}),
    "an integer as text": changed(k="3"),
    "an integer as a decimal": RAW.replace(b'"k":3', b'"k":3.0'),
    "true as an integer": changed(v=True),
    "another version": changed(v=2),
    "a lone surrogate": RAW.replace(b"papers", b"\\ud800"),
    "too long": RAW + b" " * MAX_QUERY_BYTES,
    "too many values": changed(extra=[0] * 5000),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_question_is_refused(name: str) -> None:
    refused(BODIES[name])


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"v"}))
def test_no_member_may_be_missing_or_null(name: str) -> None:
    rest = {key: value for key, value in FIELDS.items() if key != name}
    assert name in str(refused(orjson.dumps(rest)))
    refused(changed(**{name: None}))


VALUES: dict[str, list[Any]] = {
    "id": ["", "A" * 21, "A" * 23, "A" * 21 + "B", "A" * 21 + "=", 1],
    "salt": ["", "A" * 21 + "B"],
    "collection": ["", "Papers", "a/b", "../a", "a" * 65, "a\n"],
    "purpose": ["", "Research", "1a", "a" * 65, "a b"],
    "k": [0, -1, MAX_K + 1, 2**53],
    "granularity": ["", "scores", "BINS"],
    "actor": ["", "a b", "ä", "a" * 129],
    "agreement": ["", "a\tb", "a" * 129],
    "space": ["", "sha256:" + "A" * 64, "sha256:" + "0" * 63, "md5:" + "0" * 32],
    "route": ["", "0" * 64],
    "envelope": [{}, "x", FIELDS["envelope"] | {"dimension": 0}, FIELDS["envelope"] | {"x": 1}],
    "vectors": [
        {},
        FIELDS["vectors"] | {"n": 0},
        FIELDS["vectors"] | {"n": 257},
        FIELDS["vectors"] | {"d": 8193},
        FIELDS["vectors"] | {"dtype": "float64"},
    ],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in VALUES.items() for value in values]
)
def test_every_member_has_its_bounds(name: str, value: Any) -> None:
    refused(changed(**{name: value}))


def test_vectors_times_k_are_bounded() -> None:
    rows = encode(np.eye(4, dtype=np.float32)[[0] * 66])
    assert question(vectors=rows, k=MAX_RESULTS // 66)
    with pytest.raises(ValidationError, match="split the batch"):
        question(vectors=rows, k=MAX_RESULTS // 66 + 1)


def rows(*components: float) -> Callable[[], str]:
    return lambda: base64.b64encode(np.array(components, dtype="<f4").tobytes()).decode()


VECTORS: dict[str, tuple[Callable[[], str], str]] = {
    "NaN": (rows(float("nan"), 0, 0, 1), "not-finite"),
    "infinite": (rows(float("inf"), 0, 0, 1), "not-finite"),
    "minus infinite": (rows(0, float("-inf"), 0, 1), "not-finite"),
    "zero": (rows(0, 0, 0, 0), "norm"),
    "not normalised": (rows(1, 1, 0, 0), "norm"),
    "truncated": (rows(1, 0, 0), "length"),
    "extended": (rows(1, 0, 0, 0, 0), "length"),
    "URL-safe base64": (lambda: rows(-1, 0, 0, 0)().replace("/", "_").replace("A", "-"), "base64"),
    "no base64": (lambda: "*" * 24, "base64"),
    "stray bits": (lambda: rows(1, 0, 0, 0)()[:-3] + "B==", "base64"),
}


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_that_are_none_are_refused_by_their_envelope(name: str) -> None:
    data, reason = VECTORS[name]
    query = Query.parse(changed(vectors=FIELDS["vectors"] | {"data": data()}))
    with pytest.raises(VectorsRefused) as caught:
        decode(query.vectors, query.envelope)
    assert caught.value.reason == reason


def test_vectors_of_another_width_than_their_envelope_are_refused() -> None:
    wide = question(vectors=encode(np.eye(5, dtype=np.float32)[:1]))
    with pytest.raises(VectorsRefused) as caught:
        decode(Query.parse(wide.encode()).vectors, ENVELOPE)
    assert caught.value.reason == "dimension"


def test_the_refusal_names_the_member_and_quotes_nothing() -> None:
    secret = refused(changed(collection="A secret name"))
    assert secret.detail is not None
    assert "collection" in secret.detail
    assert "secret" not in secret.detail
    strange = refused(changed(**{"strange\x1b[31m\n": 1}))
    assert strange.detail is not None
    assert strange.detail.isprintable()


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_question_or_refused(raw: bytes) -> None:
    refused(raw)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(name=st.sampled_from(sorted(FIELDS)), value=_JSON)
def test_any_value_of_a_member_is_read_or_refused(name: str, value: Any) -> None:
    raw = json.dumps(FIELDS | {name: value}).encode()
    try:
        query = Query.parse(raw)
    except Refused as error:
        assert error.code is Code.MESSAGE_INVALID  # noqa: PT017 - either outcome is meant
    else:
        assert Query.parse(query.encode()) == query


def test_granularities_go_from_the_least_to_the_most_telling() -> None:
    assert GRANULARITIES == ("boolean", "count", "ranks", "bins")


_PIECES = [
    b'"', b"\\", b'\\"', b"}", b"{", b",", b'"id":"', b'"salt":"AAAAAAAAAAAAAAAAAAAAAA",', b"=",
    b"-", b'"data":"', b'"data":"AAAA"}}', b'"vectors":', b'"v":1,', b"\xff", b"\xef\xbb\xbf",
    b"\n", b"\x00", b"A" * 22, '"actor":"\u00e9",'.encode(), b'"k":1,', b" ", b"\\u0041",
]  # fmt: skip
_EDIT = st.tuples(st.integers(0, len(RAW)), st.integers(0, 6), st.sampled_from(_PIECES))


@given(edits=st.lists(_EDIT, min_size=1, max_size=3))
def test_a_body_like_one_before_is_read_as_though_there_had_been_none(
    edits: list[tuple[int, int, bytes]],
) -> None:
    raw = RAW
    for at, dropped, put in edits:
        raw = raw[:at] + put + raw[at + dropped :]
    try:
        alone: Query | None = _judged(raw)
    except Refused:
        alone = None
    for _ in range(2):
        if alone is None:
            refused(raw)
        else:
            read = Query.parse(raw)
            assert read == alone
            assert read.encode() == alone.encode()


def test_of_bodies_alike_each_has_its_own_id_salt_and_vectors() -> None:
    data = base64.b64encode(np.ones(ENVELOPE.dimension, dtype="<f4").tobytes()).decode()
    vectors = FIELDS["vectors"] | {"n": 1, "data": data}
    for number in range(3):
        raw = changed(id=f"{number}" * 21 + "A", salt="S" * 21 + "Q", vectors=vectors)
        query = Query.parse(raw)
        assert (query.id[0], query.vectors.data, query.encode()) == (str(number), data, raw)
    assert query.envelope is Query.parse(raw).envelope
