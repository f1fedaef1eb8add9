"""What is written into a file comes out of it, and what somebody changed in one is noticed."""

import stat
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow.parquet
import pytest
from hypothesis import given, settings

from node.transfer import files, npy
from node.transfer.check import Watched, check
from node.transfer.errors import NotAsTold, SourceUnreadable, TransferError
from node.transfer.form import Moved
from node.transfer.named_source import NamedSource
from node.transfer.opening import open_source
from tests.node.collections.rooms import envelope, unseen
from tests.node.transfer.samples import WIDTH, documents, head, plain, read, write

SUFFIXES = (".npy", ".parquet")


DIGEST_OF_FIVE = "sha256:900796028e6412a5dbdfb0a4e0163f61e628b3414d5199dc1f1cfa3cdb51c0fc"
"""What the release before wrote under five plain documents."""


def told(one: Moved) -> list[Any]:
    """Everything that a document says."""
    fields = (one.id, one.spans, one.labels, one.metadata, one.uri, one.text, one.encoded)
    return [*fields, one.vectors.tobytes()]


@given(documents())
@settings(max_examples=12, deadline=None)
def test_both_kinds_of_files_give_back_what_was_written_under_one_digest(
    moved: list[Moved],
) -> None:
    ends = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in SUFFIXES:
            path = Path(folder, f"c{suffix}")
            ends.append(write(path, head(), moved))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            found_head, found, found_end = read(path)
            assert found_head == head()
            assert [told(one) for one in found] == [told(one) for one in moved]
            assert found_end == ends[-1]
    assert ends[0] == ends[1]


def _lines(path: Path, change: Callable[[list[Any]], Any]) -> None:
    """Change the lines beside an array."""
    beside = npy.sidecar(path)
    lines = [orjson.loads(line) for line in beside.read_bytes().splitlines()]
    change(lines)
    beside.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))


def _array(path: Path, change: Callable[[Any], Any]) -> None:
    np.save(path, change(np.load(path)))


def _turned(rows: Any) -> Any:
    rows[2] = rows[3]
    return rows


FAULTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "cut short": ("has no end", lambda path: _lines(path, lambda lines: lines.pop())),
    "a row less": ("fewer rows", lambda path: _array(path, lambda rows: rows[:-1])),
    "a row more": ("more rows", lambda path: _array(path, lambda rows: np.vstack([rows, rows]))),
    "a line less": ("more rows", lambda path: _lines(path, lambda lines: lines.pop(2))),
    "another vector": ("digest", lambda path: _array(path, _turned)),
    "another label": (
        "digest",
        lambda path: _lines(path, lambda lines: lines[2].update(labels=["public"])),
    ),
    "one id twice": ("comes twice", lambda path: _lines(path, lambda x: x[2].update(id="d0"))),
    "another space": (
        "the head says",
        lambda path: _lines(path, lambda lines: lines[0]["envelope"].update(revision="2")),
    ),
    "another title": ("digest", lambda path: _lines(path, lambda x: x[0].update(title="Other"))),
    "another licence": (
        "digest",
        lambda path: _lines(path, lambda x: x[0]["envelope"].update(license="none")),
    ),
    "an unknown field": ("labelz", lambda path: _lines(path, lambda x: x[2].update(labelz=[]))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_somebody_changed_is_refused(fault: str, tmp_path: Path) -> None:
    says, change = FAULTS[fault]
    path = tmp_path / "c.npy"
    write(path, head(), plain(5))
    change(path)
    with pytest.raises(NotAsTold, match=says):
        check(open_source(NamedSource(source=str(path))), head().envelope, unseen)


def test_a_file_of_the_release_before_is_read_whose_digest_takes_the_documents_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "c.npy"
    end = write(path, head().model_copy(update={"spec": 1}), plain(5))
    found = check(open_source(NamedSource(source=str(path))), head().envelope, unseen)
    assert found.end == end
    assert end.digest == DIGEST_OF_FIVE
    _lines(path, lambda lines: lines[0].update(spec=3))
    with pytest.raises(NotAsTold, match="spec"):
        open_source(NamedSource(source=str(path)))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([1.1, 0, 0, 0], "has length 1.1"),
        ([np.nan, 0, 0, 0], "NaN"),
        ([0, 0, 0, 0], "is zero"),
    ],
)
def test_vectors_that_are_not_what_the_envelope_says_are_named(
    suffix: str, row: list[float], says: str, tmp_path: Path
) -> None:
    moved = plain(3)
    moved[1] = replace(moved[1], vectors=np.array([row], dtype="f4"))
    write(tmp_path / f"c{suffix}", head(), moved)
    source = open_source(NamedSource(source=str(tmp_path / f"c{suffix}")))
    with pytest.raises(NotAsTold, match=f"document 'd1': .*{says}"):
        check(source, head().envelope, unseen)
    source.close()


def test_another_width_or_metric_than_the_envelope_says_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "c.npy", head(), plain(3))
    source = open_source(NamedSource(source=str(tmp_path / "c.npy")))
    with pytest.raises(NotAsTold, match="4 components and the space has 5"):
        check(source, envelope(dimension=WIDTH + 1), unseen)
    source.metric = "l2"
    check(source, envelope(dimension=WIDTH), unseen)  # of length 1: every metric ranks alike
    with pytest.raises(NotAsTold, match="ranks by l2"):
        check(source, envelope(dimension=WIDTH, normalisation="none"), unseen)


def test_a_parquet_file_without_an_envelope_says_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a"]}), path)
    with pytest.raises(NotAsTold, match=r"no interlingua.collection in its metadata"):
        open_source(NamedSource(source=str(path)))
    path.write_bytes(b"PAR1 nothing of that")
    with pytest.raises(SourceUnreadable, match="cannot be read as Parquet"):
        open_source(NamedSource(source=str(path)))


def test_a_source_that_changes_between_its_two_readings_is_refused(tmp_path: Path) -> None:
    for name, count in (("c", 3), ("d", 4)):
        write(tmp_path / f"{name}.npy", head(), plain(count))
    path = tmp_path / "c.npy"
    source = open_source(NamedSource(source=str(path)))
    first = check(source, head().envelope, unseen).end
    assert len(list(Watched(source, first))) == 3
    for one in (path, npy.sidecar(path)):
        one.with_name(f"d{one.suffix}").replace(one)
    with pytest.raises(NotAsTold, match="changed while it was read"):
        list(Watched(source, first))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "c"
    for content in (b"one", b"two"):
        with files.begin(path) as file:
            file.write(content)
        if content == b"two":
            with pytest.raises(TransferError, match="exists already"):
                files.finish([path])
            files.give_up([path])
        else:
            files.finish([path])
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("c", b"one")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
