"""A folder for passing use that one process has at a time, empty at first.

The rule of this file: whoever has the folder holds a lock on it that ends with its process, so what
is found in a folder that is not locked was left by one that was killed, and is removed. A folder of
another user is not taken: below a shared directory anybody can make one of that name, and its owner
could change what is put into it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.backup.errors import BackupFailed


@contextmanager
def held_folder(folder: Path, busy: str) -> Iterator[None]:
    """Make the folder (0700), empty; remove it afterwards unless it was given another name.

    Raises BackupFailed with the cause `busy` where another process has it, and where it is another
    user's.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(folder, flags)
    try:
        owner = os.fstat(descriptor).st_uid
        if owner != os.geteuid():
            raise BackupFailed(
                f"{folder} belongs to another user (uid {owner}).",
                fix="Work below a directory into which nobody else may write.",
            )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed(busy, fix="Wait until it has ended, then try again.") from None
        os.fchmod(descriptor, 0o700)
        empty(folder)
        try:
            yield
        finally:
            if folder.exists():
                shutil.rmtree(folder)
    finally:
        os.close(descriptor)


def empty(folder: Path) -> None:
    """Remove everything in the folder, and not the folder: the lock is on it."""
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()


def make_folders(top: Path, name: str) -> Path:
    """Make the folders of the relative path `name` below `top`, each 0700; return its path."""
    path = top
    for step in name.split("/")[:-1]:
        path = path / step
        path.mkdir(mode=0o700, exist_ok=True)
    return top / name
