"""A file is replaced whole or not at all, and nothing of a killed writer stays for good."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from node import durable_file

WRITER = """
import os, signal, sys
from pathlib import Path
from node import durable_file

os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
durable_file.replace(Path(sys.argv[1]), b"never finished")
"""


def kill_while_writing(path: Path) -> None:
    """Let another process be killed after it wrote and before its content was put in place."""
    assert subprocess.run([sys.executable, "-c", WRITER, str(path)], check=False).returncode == -9


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_killed_writer_leaves_the_old_content_and_the_next_writer_tidies_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "card.json"
    durable_file.replace(path, b"old")
    for _ in range(3):
        kill_while_writing(path)
        assert path.read_bytes() == b"old"
        assert len(names(tmp_path)) == 2
    durable_file.replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["card.json"]


def test_removing_a_file_removes_what_a_killed_writer_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    kill_while_writing(path)
    assert len(names(tmp_path)) == 1
    durable_file.remove(path)
    assert names(tmp_path) == []


def test_what_is_written_has_its_mode_and_goes_through_no_link(tmp_path: Path) -> None:
    path, victim = tmp_path / "tokens.json", tmp_path / "victim"
    kill_while_writing(path)
    (left,) = names(tmp_path)
    victim.write_bytes(b"untouched")
    (tmp_path / left).unlink()
    (tmp_path / left).symlink_to(victim)
    durable_file.replace(path, b"mine", mode=0o640)
    assert victim.read_bytes() == b"untouched"
    assert path.read_bytes() == b"mine"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_disk_that_refuses_leaves_the_old_content_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "card.json"
    durable_file.replace(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        durable_file.replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["card.json"]
