"""JSON Lines: a line becomes a document, or one error that says where, what and how to fix it."""

from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ingest.errors import BadRecord, IngestError
from node.ingest.jsonl import count, parse_line, read


def test_all_fields_arrive(tmp_path: Path) -> None:
    file = tmp_path / "docs.jsonl"
    file.write_text(
        '{"id": "a", "text": "words", "labels": ["x", "y", "x"], "metadata": {"n": [1]},'
        ' "uri": "file:///a"}\n\n{"id": "b", "vector": [1, 2.5]}'
    )
    one, two = read(file)
    assert (one.id, one.text, one.uri) == ("a", "words", "file:///a")
    assert (one.labels, one.metadata) == (frozenset({"x", "y"}), {"n": [1]})
    assert two.vector is not None
    assert (two.id, two.text, two.vector.tolist()) == ("b", None, [1, 2.5])
    assert (one.where, two.where) == (f"{file}:1", f"{file}:3")
    assert count(file) == 3


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"id": "a"}', "needs a text"),
        ('{"id": "a", "text": ""}', "text must not be empty"),
        ('{"id": "a", "text": " \\n"}', "needs a text"),
        ('{"text": "x"}', "id is missing"),
        ('{"id": "", "text": "x"}', "id must be one line"),
        ('{"id": 7, "text": "x"}', "id must be "),
        ('{"id": "a\\nb", "text": "x"}', "id must be "),
        ('{"id": "a", "text": "x", "label": ["x"]}', "label is not known .known: id, text, vec"),
        ('{"id": "a", "text": "x", "labels": "x"}', "labels must be a list"),
        ('{"id": "a", "text": "x", "labels": [""]}', "labels.0 must be one line"),
        ('{"id": "a", "vector": []}', "vector must not be empty"),
        ('{"id": "a", "vector": [1, "x"]}', "vector.1 must be a number"),
        ('{"id": "a", "vector": [NaN]}', "not a JSON object"),
        ('{"id": "a", "text": "\\ud800"}', "not a JSON object"),
        (
            '{"id": "a", "text": "x", "metadata": ' + '{"a":' * 300 + "1" + "}" * 301,
            "nested too deeply",
        ),
    ],
)
def test_a_bad_line_is_named_with_its_cause(tmp_path: Path, line: str, cause: str) -> None:
    file = tmp_path / "docs.jsonl"
    file.write_text('{"id": "good", "text": "x"}\n' + line + "\n")
    records = read(file)
    assert next(records).id == "good"
    with pytest.raises(BadRecord, match=f"{file}:2: .*{cause}") as refused:
        next(records)
    assert refused.value.fix


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(BadRecord, match="f:1: not a JSON object in UTF-8"):
        parse_line(b'{"id": "a", "text": "\xff"}', "f:1")


def test_errors_do_not_repeat_the_text() -> None:
    with pytest.raises(BadRecord) as caught:
        parse_line(b'{"id": "a", "text": "the secret sentence", "labels": 3}', "f:1")
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    for reader in (lambda: list(read(tmp_path / "no")), lambda: count(tmp_path / "no")):
        with pytest.raises(IngestError, match="cannot be read: No such file"):
            reader()


@given(st.binary(max_size=200))
def test_any_line_is_a_document_or_one_named_error(raw: bytes) -> None:
    with suppress(BadRecord):
        assert parse_line(raw, "f:1").id


@given(
    st.text(min_size=1, max_size=50).filter(str.strip),
    st.dictionaries(st.text(max_size=5), st.integers(-100, 100), max_size=3),
)
def test_what_was_written_is_what_is_read(text: str, metadata: dict[str, int]) -> None:
    try:
        raw = orjson.dumps({"id": "a", "text": text, "metadata": metadata})
    except orjson.JSONEncodeError:  # a lone surrogate cannot be written as UTF-8
        return
    record = parse_line(raw, "f:1")
    assert (record.text, record.metadata) == (text, metadata)


def test_a_number_too_large_for_float32_is_left_to_the_check_of_vectors() -> None:
    vector = parse_line(b'{"id": "a", "vector": [1e300]}', "f:1").vector
    assert vector is not None
    assert vector.tolist() == [float("inf")]


def test_the_digest_tells_texts_and_vectors_apart() -> None:
    lines = [
        b'{"id": "a", "text": "x"}',
        b'{"id": "a", "text": "y"}',
        b'{"id": "a", "vector": [1.0]}',
        b'{"id": "a", "text": "x", "vector": [1.0]}',
        b'{"id": "a", "text": "x", "vector": [2.0]}',
    ]
    assert len({parse_line(line, "f:1").digest for line in lines}) == len(lines)
    same = b'{"labels": ["l"], "metadata": {"a": 1}, "text": "x", "id": "b"}'
    assert parse_line(same, "f:1").digest == parse_line(lines[0], "f:1").digest
