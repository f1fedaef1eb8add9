"""A snapshot that is damaged, foreign or too new is rebuilt, never used and never fatal."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from structlog.testing import capture_logs

from node.index import snapshot
from node.index.similarity import Nearness
from node.index.snapshot import SnapshotFiles, SnapshotUnusable, remove_files_of
from tests.node.collections.rooms import vectors
from tests.node.index.source import Source, make


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    source = make(tmp_path)
    index = source.index()
    source.put(index, vectors(400))
    index.rebuild(Event())
    yield source
    source.store.close()


def test_files_are_the_owners_alone_before_anything_is_in_them(source: Source) -> None:
    nearness = Nearness.of(source.row.envelope)
    files = SnapshotFiles(source.directory, snapshot.Source("store", 1, "space", nearness))
    files.make_private("v1-9-abcd")
    made = sorted(source.directory.glob("v1-9-*"))
    assert [path.stat().st_mode & 0o777 for path in made] == [0o600] * 3
    with pytest.raises(FileExistsError):
        files.make_private("v1-9-abcd")


def test_saved_files_are_the_owners_alone(source: Source) -> None:
    assert {path.stat().st_mode & 0o077 for path in source.directory.iterdir()} == {0}


def file_of(source: Source, ending: str) -> Path:
    return next(source.directory.glob(f"*{ending}"))


def flip(ending: str) -> Callable[[Source], None]:
    def damage(source: Source) -> None:
        path = file_of(source, ending)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return damage


def cut(ending: str) -> Callable[[Source], None]:
    def damage(source: Source) -> None:
        path = file_of(source, ending)
        path.write_bytes(path.read_bytes()[:-7])

    return damage


def lose(ending: str) -> Callable[[Source], None]:
    return lambda source: file_of(source, ending).unlink()


def sidecar_says(old: str, new: str) -> Callable[[Source], None]:
    def damage(source: Source) -> None:
        path = file_of(source, ".json")
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new))

    return damage


DAMAGES = [
    *(
        kind(ending)
        for kind in (flip, cut, lose)
        for ending in (".graph", "vectors.npy", "keys.npy")
    ),
    cut(".json"),
    sidecar_says('"format": 1', '"format": 2'),
    sidecar_says('"sequence": 1', '"sequence": 99'),
    sidecar_says('"version": 1', '"version": 2'),
    sidecar_says('"count": 400', '"count": 401'),
    sidecar_says('"space_id": "sha256:', '"space_id": "sha256:0'),
    sidecar_says('"store_id": "', '"store_id": "0'),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_used_is_rebuilt_from_the_store(
    source: Source, damage: Callable[[Source], None]
) -> None:
    expected = [one.key for one in source.index().search(vectors(1), 20, None)[0]]
    damage(source)
    with capture_logs() as lines:
        index = source.index()
    assert [line["event"] for line in lines] == ["index.rebuild_needed"]
    assert (index.view.snapshot, index.view.delta_size) == (None, 400)
    assert index.rebuild_due(at_rest=False)
    assert [one.key for one in index.search(vectors(1), 20, None)[0]] == expected
    index.rebuild(Event())
    again = source.index()
    assert (len(again.view.base), again.view.delta_size) == (400, 0)


def test_a_snapshot_that_was_never_made_is_no_reason_for_a_warning(source: Source) -> None:
    lose(".json")(source)
    with capture_logs() as lines:
        assert source.index().view.delta_size == 400
    assert lines == []


def test_a_restored_older_store_does_not_meet_the_newer_snapshot(
    source: Source, tmp_path: Path
) -> None:
    source.store.vacuum()
    shutil.copy(source.store.path, tmp_path / "backup.db")
    index = source.index()
    source.put(index, vectors(300, seed=1))
    index.rebuild(Event())
    source.store.close()
    shutil.copy(tmp_path / "backup.db", source.store.path)
    source.store = type(source.store).open(source.store.path)
    index = source.index()
    assert (index.view.snapshot, index.view.live) == (None, 400)


def test_files_of_unfinished_builds_are_swept_away(source: Source) -> None:
    left = source.directory / "v1-9-deadbeef.graph"
    left.write_bytes(b"half")
    index = source.index()
    source.put(index, vectors(1, seed=2))
    index.rebuild(Event())
    names = {path.name.partition(".")[2] for path in source.directory.iterdir()}
    assert names == {"graph", "vectors.npy", "keys.npy", "json"}
    assert not left.exists()


def test_another_version_s_files_are_left_alone(source: Source) -> None:
    other = source.directory / "v11-9-deadbeef.graph"
    other.write_bytes(b"of another version")
    index = source.index()
    index.rebuild(Event(), anew=True)
    remove_files_of(source.directory, source.row.key)
    assert [path.name for path in source.directory.iterdir()] == [other.name]


def test_the_vectors_of_a_snapshot_cannot_be_written(source: Source) -> None:
    snapshot = source.index().view.snapshot
    assert snapshot is not None
    with pytest.raises(ValueError, match="read-only"):
        snapshot.vectors[0, 0] = np.float32(1)
    assert issubclass(SnapshotUnusable, Exception)
