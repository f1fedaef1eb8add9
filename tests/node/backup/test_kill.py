"""kill -9 of a backup or a restore: under the final name there is a whole one, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from node.data_directory import DataDirectory
from node.operations.backup import restore_backup, write_backup
from node.operations.registry import silent
from tests.conftest import NewNode

BIG = 48 * 1024 * 1024  # bytes: so that there is something to be killed in
STARTING_S = 20.0


def start(data: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "node.cli.main", *arguments, "--data", str(data)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_when(process: subprocess.Popen[bytes], begun: Path, after_s: float) -> None:
    """Kill the process some time after it has made the folder in which it works."""
    until = time.monotonic() + STARTING_S
    while not begun.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.15])
def test_a_killed_backup_leaves_no_half_archive(
    after_s: float, new_node: NewNode, tmp_path: Path
) -> None:
    (new_node.data.anchors / "big").write_bytes(os.urandom(BIG))
    archive = tmp_path / "b"
    kill_when(start(new_node.path, "backup", str(archive)), new_node.path / ".backup", after_s)
    if archive.exists():
        restore_backup(archive, DataDirectory(tmp_path / "new"), lambda: None, 0, silent)
    write_backup(new_node.data, tmp_path / "c", None, 1_790_000_000, silent)
    assert not (new_node.path / ".backup").exists()
    restore_backup(tmp_path / "c", DataDirectory(tmp_path / "new-2"), lambda: None, 0, silent)
    assert (tmp_path / "new-2" / "anchors" / "big").stat().st_size == BIG


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.15])
def test_a_killed_restore_leaves_nothing_or_a_whole_node(
    after_s: float, new_node: NewNode, tmp_path: Path
) -> None:
    (new_node.data.anchors / "big").write_bytes(os.urandom(BIG))
    archive, target = tmp_path / "b", tmp_path / "new"
    write_backup(new_node.data, archive, None, 1_790_000_000, silent)
    kill_when(start(target, "restore", str(archive)), tmp_path / ".new.restoring", after_s)
    if target.exists():
        assert (target / "restored.json").exists()
        assert (target / "anchors" / "big").stat().st_size == BIG
        return
    restore_backup(archive, DataDirectory(target), lambda: None, 0, silent)
    assert not (tmp_path / ".new.restoring").exists()
    assert (target / "anchors" / "big").stat().st_size == BIG
