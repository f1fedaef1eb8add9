"""The folder that a run of the demo lives in, and the ports it uses.

The rule of this file: one run at a time owns the folder; it is gone when the run ends, and what a
killed run left behind is cleared by the next.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InUse(Exception):
    """Another run owns the folder."""


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Own `folder` for this block: empty at its beginning, removed at its end.

    Raises InUse where another run owns it, or where it holds something that no run made.
    """
    lock = folder / "lock"
    if folder.exists() and any(folder.iterdir()) and not lock.exists():
        raise InUse(f"{folder} holds other files; name another folder with --folder")
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"another demo runs in {folder}; name another with --folder") from None
        _clear(folder, keep=lock)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(descriptor)


def _clear(folder: Path, keep: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry != keep:
            entry.unlink()


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
