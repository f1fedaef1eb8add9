"""Canonical JSON: RFC 8785 on our subset, and a refusal for everything outside it."""

import hashlib
from enum import Enum
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from protocol.canonical import MAX_DEPTH, NotCanonical, digest, dumps

MAX_INT = 2**53 - 1
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(max_codepoint=127))
LEAVES = st.none() | st.booleans() | st.integers(-MAX_INT, MAX_INT) | TEXTS
SUBSET = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=40
)
ANYTHING = st.recursive(
    LEAVES | st.floats() | st.integers() | st.binary() | st.text() | st.uuids() | st.datetimes(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(SUBSET)
def test_the_independent_library_writes_the_same_bytes(value: Any) -> None:
    assert dumps(value) == rfc8785.dumps(value)


@given(SUBSET)
def test_canonical_bytes_mean_the_value(value: Any) -> None:
    assert orjson.loads(dumps(value)) == value


@given(ANYTHING)
def test_every_value_is_written_or_refused_by_name(value: Any) -> None:
    try:
        raw = dumps(value)
    except NotCanonical:
        return
    assert dumps(orjson.loads(raw)) == raw


def test_rfc_8785_section_3_2_2_2_escapes() -> None:
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/\u0008\u007f\u2028"
    expected = '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\\b\u007f\u2028"'
    assert dumps(text) == expected.encode()


def test_names_are_sorted_and_nothing_is_inserted() -> None:
    assert dumps({"b": [1, (True, None)], "a": "é", "B": {}}) == (
        '{"B":{},"a":"é","b":[1,[true,null]]}'.encode()
    )


class Colour(Enum):
    RED = "red"


class Name(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        {"é": 1},
        {1: 1},
        {Name("a"): 1},
        b"bytes",
        "\ud800",
        Colour.RED,
        Name("text"),
        {1, 2},
        object(),
    ],
)
def test_what_lies_outside_the_subset_is_refused(value: Any) -> None:
    for nested in (value, [value], {"a": {"b": (value,)}}):
        with pytest.raises(NotCanonical):
            dumps(nested)


def test_nesting_is_bounded() -> None:
    value: Any = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert dumps(value) == b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    with pytest.raises(NotCanonical, match="deeper"):
        dumps([value])


def test_a_digest_is_sha_256_with_its_name() -> None:
    assert digest(b"abc") == "sha256:" + hashlib.sha256(b"abc").hexdigest()
