"""Arrays with ids: rows and ids belong together, and nothing is unpickled."""

from pathlib import Path

import numpy as np
import pytest

from node.ingest import npy
from node.ingest.errors import BadRecord, IngestError


def files(path: Path, array: object, ids: str | bytes) -> tuple[Path, Path]:
    np.save(path / "v.npy", np.asarray(array))
    (path / "ids.txt").write_bytes(ids if isinstance(ids, bytes) else ids.encode())
    return path / "v.npy", path / "ids.txt"


@pytest.mark.parametrize("ids", ["a\nb\nc\n", "a\nb\nc", "a\r\nb\r\nc\r\n"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
def test_each_row_becomes_a_document(tmp_path: Path, ids: str, dtype: str) -> None:
    vectors, names = files(tmp_path, np.arange(6, dtype=dtype).reshape(3, 2), ids)
    records = list(npy.read(vectors, names, frozenset({"l"})))
    assert [record.id for record in records] == ["a", "b", "c"]
    assert [record.vector.tolist() for record in records if record.vector is not None] == [
        [0, 1], [2, 3], [4, 5],
    ]  # fmt: skip
    assert {record.labels for record in records} == {frozenset({"l"})}
    assert npy.count(vectors) == 3


def test_int8_is_taken_where_the_envelope_says_so_and_else_refused(tmp_path: Path) -> None:
    vectors, names = files(tmp_path, np.array([[127, -128], [3, 4]], dtype="i1"), "a\nb\n")
    records = list(npy.read(vectors, names, dtype="int8"))
    assert [each.vector.tolist() for each in records if each.vector is not None] == [
        [127, -128], [3, 4],
    ]  # fmt: skip
    assert npy.count(vectors, "int8") == 2
    for dtype in ("float32", "float16"):
        with pytest.raises(IngestError, match=f"holds int8, and the space's envelope says {dtype}"):
            npy.count(vectors, dtype)
    np.save(vectors, np.array([[1, 2]], dtype="u1"))
    with pytest.raises(IngestError, match="no table of floats"):
        npy.count(vectors, "int8")


@pytest.mark.parametrize(
    ("ids", "cause"),
    [
        ("a\nb\n", "has 2 ids and .* has 3 rows"),
        ("a\nb\nc\nd\n", "has more ids and .* has 3 rows"),
        ("", "has 0 ids"),
        (b"a\n\xff\nc\n", "is not UTF-8"),
    ],
)
def test_ids_that_do_not_match_are_refused(tmp_path: Path, ids: str | bytes, cause: str) -> None:
    vectors, names = files(tmp_path, np.ones((3, 2), "f4"), ids)
    with pytest.raises(IngestError, match=cause):
        list(npy.read(vectors, names))


def test_a_bad_id_is_named_by_its_line(tmp_path: Path) -> None:
    vectors, names = files(tmp_path, np.ones((3, 2), "f4"), "a\n\nc\n")
    with pytest.raises(BadRecord, match=r"ids\.txt:2: the id is empty"):
        list(npy.read(vectors, names))


@pytest.mark.parametrize("array", [np.ones(3), np.ones((3, 2), "i4"), np.ones((3, 2, 1), "f4")])
def test_other_shapes_and_types_are_refused(tmp_path: Path, array: object) -> None:
    vectors, names = files(tmp_path, array, "a\nb\nc\n")
    with pytest.raises(IngestError, match="no table of floats") as refused:
        list(npy.read(vectors, names))
    assert "numpy.save" in refused.value.fix


def test_pickles_and_other_files_are_refused(tmp_path: Path) -> None:
    vectors, names = files(tmp_path, np.array([{}], dtype=object), "a\n")
    with pytest.raises(IngestError, match=r"v\.npy is not an array of numbers"):
        npy.count(vectors)
    vectors.write_bytes(b"not an array")
    with pytest.raises(IngestError, match="not an array of numbers"):
        list(npy.read(vectors, names))
    vectors.write_bytes(b"")
    with pytest.raises(IngestError, match="not an array of numbers"):
        list(npy.read(vectors, names))
    vectors.unlink()
    with pytest.raises(IngestError, match="No such file"):
        list(npy.read(vectors, names))


@pytest.mark.parametrize(
    "raw",
    [
        b"PK\x03\x04 an archive that is none",
        b"\x93NUMPY\x01\x00\x02\x00(\n",
        b"\x93NUMPY\x01\x00\x0a\x00{'descr':\n ",
    ],
)
def test_a_damaged_head_is_refused(tmp_path: Path, raw: bytes) -> None:
    """Found by fuzzing: numpy raises errors of its tokenizer and of zip files for such."""
    vectors, names = files(tmp_path, np.ones((3, 2), "f4"), "a\nb\nc\n")
    vectors.write_bytes(raw)
    with pytest.raises(IngestError, match="not an array"):
        list(npy.read(vectors, names))
