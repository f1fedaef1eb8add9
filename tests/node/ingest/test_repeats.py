"""An id that stands twice in one file: harmless where both lines say the same, else refused."""

from pathlib import Path

import numpy as np
import pytest

from node.ingest import jsonl, npy
from node.ingest.errors import BadRecord
from node.ingest.repeats import without_contradictions

FIRST = '{"id": "a", "text": "one", "labels": ["x", "y"], "metadata": {"k": 1, "l": 2}}'


def file_of(path: Path, *lines: str) -> Path:
    path.write_text("\n".join((FIRST, '{"id": "b", "text": "one"}', *lines)) + "\n")
    return path


def test_a_line_that_says_the_same_again_passes(tmp_path: Path) -> None:
    again = '{"labels": ["y", "x"], "id": "a", "metadata": {"l": 2, "k": 1}, "text": "one"}'
    records = without_contradictions(jsonl.read(file_of(tmp_path / "d.jsonl", FIRST, again)))
    assert [each.id for each in records] == ["a", "b", "a", "a"]


@pytest.mark.parametrize(
    "other",
    [
        '{"id": "a", "text": "two", "labels": ["x", "y"], "metadata": {"k": 1, "l": 2}}',
        '{"id": "a", "text": "one", "labels": ["x"], "metadata": {"k": 1, "l": 2}}',
        '{"id": "a", "text": "one", "labels": ["x", "y"], "metadata": {"k": 1}}',
        '{"id": "a", "text": "one", "labels": ["x", "y"], "metadata": {"k": 1, "l": 2}, "uri":"u"}',
        '{"id": "a", "text": "one", "vector": [1], "labels": ["x", "y"]}',
    ],
)
def test_a_line_that_contradicts_an_earlier_one_is_refused_naming_both(
    tmp_path: Path, other: str
) -> None:
    file = file_of(tmp_path / "d.jsonl", other)
    with pytest.raises(BadRecord, match=f"{file}:3: its id stands in line 1 already") as refused:
        list(without_contradictions(jsonl.read(file)))
    assert "an id of its own" in refused.value.fix


def test_rows_of_an_array_are_held_to_the_same(tmp_path: Path) -> None:
    vectors, ids = tmp_path / "v.npy", tmp_path / "ids.txt"
    np.save(vectors, np.array([[1, 0], [1, 0], [0, 1]], "f4"))
    ids.write_text("a\na\nb\n")
    assert len(list(without_contradictions(npy.read(vectors, ids)))) == 3
    ids.write_text("a\nb\na\n")
    with pytest.raises(BadRecord, match=r"ids.txt:3: its id stands in line 1"):
        list(without_contradictions(npy.read(vectors, ids)))
