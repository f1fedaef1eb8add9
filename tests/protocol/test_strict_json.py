"""Strict JSON: what is accepted means one thing; everything else is one named error."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.strict_json import StrictJsonError, parse

MAX_INT = 2**53 - 1
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers(-MAX_INT, MAX_INT) | st.floats(-1e15, 1e15)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES, max_size=4)


def reason(raw: bytes, max_bytes: int = 1_000_000, max_depth: int = 16) -> str:
    with pytest.raises(StrictJsonError) as caught:
        parse(raw, max_bytes, max_depth)
    return caught.value.reason


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(v) for v in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(v) for v in value), default=0)
    return 0


@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_object_is_read_as_the_standard_library_reads_it(
    document: dict[str, Any], ascii_only: bool, indent: int | str | None
) -> None:
    raw = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    assert parse(raw, len(raw), 40) == json.loads(raw)


@given(DOCUMENTS, st.integers(min_value=1, max_value=6))
def test_depth_is_refused_exactly_above_the_limit(document: dict[str, Any], limit: int) -> None:
    raw = orjson.dumps(document)
    if depth(document) > limit:
        assert reason(raw, max_depth=limit) == "depth"
    else:
        assert parse(raw, len(raw), limit) == orjson.loads(raw)


@given(
    st.binary(max_size=200)
    | st.text('{}[]":,\\ u0d89abAB1e+-.NaInfity', max_size=60).map(str.encode)
)
@example(b'{"a":"\\ud800"}')
@example(b'{"a":"\\\\\\""}')
@example(b'{"a\\u0000":1}')
def test_any_bytes_are_an_object_or_one_named_error(raw: bytes) -> None:
    try:
        document = parse(raw, 1000, 8)
    except StrictJsonError:
        return
    assert isinstance(document, dict)
    assert document == json.loads(raw)


@given(TEXTS, VALUES, VALUES)
def test_a_name_twice_in_one_object_is_refused_however_it_is_spelled(
    name: str, one: Any, other: Any
) -> None:
    spelled = "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in name)
    first, second = json.dumps(one), json.dumps(other)
    for again in (json.dumps(name), f'"{spelled}"'):
        inner = f"{{{json.dumps(name)}:{first},{again}:{second}}}"
        assert reason(inner.encode(), max_depth=40) == "duplicate"
        assert reason(f'{{"a":[{inner}]}}'.encode(), max_depth=40) == "duplicate"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'\xef\xbb\xbf{"a":1}', "encoding"),
        (b'{"a":"\xff"}', "encoding"),
        (b'{"a":"\xed\xa0\x80"}', "encoding"),
        ('{"a":1}'.encode("utf-16"), "encoding"),
        (b"", "syntax"),
        (b'{"a":1} {}', "syntax"),
        (b'{"a":1,}', "syntax"),
        (b"{'a':1}", "syntax"),
        (b'{"a":NaN}', "syntax"),
        (b'{"a":-Infinity}', "syntax"),
        (b'{"a":01}', "syntax"),
        (b'{"a":"\\ud800"}', "syntax"),
        (b'{"a":"\\udc00\\ud800"}', "syntax"),
        (b'{"a":"\n"}', "syntax"),
        (b'{"a":1}\x00', "syntax"),
        (b"[1]", "not-an-object"),
        (b"null", "not-an-object"),
        (b'"text"', "not-an-object"),
        (b'{"a":9007199254740992}', "number"),
        (b'{"a":-9007199254740992}', "number"),
        (b'{"a":[18446744073709551616]}', "number"),
        (b'{"a":1e300}', "number"),
        (b'{"a":1,"b":2,"a":3}', "duplicate"),
        (b'{"a":' + b"[" * 100_000, "depth"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "depth"),
        (b'{"a":' * 17, "depth"),
        (b'{"a":' * 16, "syntax"),
    ],
)
def test_each_refusal_has_its_reason(raw: bytes, expected: str) -> None:
    assert reason(raw) == expected


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 5000])
def test_a_number_beyond_every_float_is_refused_under_either_name(number: bytes) -> None:
    assert reason(b'{"a":' + number + b"}") in ("syntax", "number")


def test_the_size_is_judged_first() -> None:
    assert reason(b"\xff" * 11, max_bytes=10) == "size"
    assert parse(b'{"a":"bcd"}', 11, 1) == {"a": "bcd"}


def test_brackets_and_colons_in_strings_do_not_count() -> None:
    document = {"a": "[" * 1000, ':\\"[{': ["::,,", "\\", '\\"', '"[', "\\\\["], "b": {}}
    assert parse(orjson.dumps(document), 10_000, 2) == document


def test_the_number_of_values_is_bounded() -> None:
    raw = b'{"a":[' + b"0," * 99 + b"0]}"
    assert len(parse(raw, 1000, 2, max_items=101)["a"]) == 100
    with pytest.raises(StrictJsonError) as caught:
        parse(raw, 1000, 2, max_items=100)
    assert caught.value.reason == "items"


def test_no_error_quotes_the_document() -> None:
    for raw in (b'{"secret-7f3a"', b'{"secret-7f3a":NaN}', b'{"secret-7f3a":1,"secret-7f3a":2}'):
        with pytest.raises(StrictJsonError) as caught:
            parse(raw, 1000, 8)
        assert "7f3a" not in str(caught.value)
        assert caught.value.__cause__ is None
