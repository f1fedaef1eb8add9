"""One owner at a time, nobody else's eyes, sockets at any depth."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from node.data_directory import (
    DataDirectory,
    DirectoryExposed,
    DirectoryInUse,
    short_socket_path,
)
from node.operations.errors import NotFound
from tests.conftest import NewNode

HOLD = """
import sys
from pathlib import Path
from node.data_directory import DataDirectory
with DataDirectory(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_everything_that_a_new_node_writes_is_private(new_node: NewNode) -> None:
    for path in [new_node.path, *new_node.path.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_second_holder_in_the_same_process_is_refused(new_node: NewNode) -> None:
    with new_node.data.lock(), pytest.raises(DirectoryInUse), new_node.data.lock():
        pass
    with new_node.data.lock():
        pass


def test_the_lock_of_a_killed_process_is_free(new_node: NewNode) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(new_node.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DirectoryInUse), new_node.data.lock():
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with new_node.data.lock():
        pass


def test_a_directory_without_a_node_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        DataDirectory(tmp_path).require()
    assert str(tmp_path) in refused.value.cause
    assert "interlingua init" in refused.value.fix


def test_a_directory_that_others_may_read_is_refused(new_node: NewNode) -> None:
    new_node.path.chmod(0o750)
    with pytest.raises(DirectoryExposed) as refused:
        new_node.data.require()
    assert "chmod 700" in refused.value.fix


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_directory_of_another_user_is_refused(new_node: NewNode) -> None:
    os.chown(new_node.path, 65534, 65534)
    with pytest.raises(DirectoryExposed, match="another user"):
        new_node.data.require()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system has no /proc")
def test_a_socket_can_be_bound_and_reached_however_deep_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / ("deep-" * 20) / ("deeper-" * 20)
    folder.mkdir(parents=True)
    path = folder / "admin.sock"
    with (
        socket.socket(socket.AF_UNIX) as server,
        socket.socket(socket.AF_UNIX) as client,
    ):
        with short_socket_path(path) as short:
            server.bind(str(short))
        server.listen()
        with short_socket_path(path) as short:
            client.connect(str(short))
    assert path.is_socket()
