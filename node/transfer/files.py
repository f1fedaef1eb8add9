"""New files that appear whole or not at all: private from their first byte, never over another."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from node.durable_file import flush, flush_directory
from node.transfer.errors import SourceUnreadable


def part_of(path: Path) -> Path:
    """The name that a file has until it is whole."""
    return path.with_name(f".{path.name}.part")


def begin(path: Path) -> BinaryIO:
    """Open a new file beside its later name, 0600; what a killed export left there is removed.

    It is locked while it is open. Raises SourceUnreadable where another export writes it.
    """
    part = part_of(path)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        pass
    else:
        with os.fdopen(descriptor, "wb") as left:
            _lock(left, path)
            part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    file = os.fdopen(descriptor, "wb")
    _lock(file, path)
    return file


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SourceUnreadable(
            f"{path} is being written by another export",
            fix="Wait until that one is through, or name another file.",
        ) from None


def require_new(paths: Iterable[Path]) -> None:
    """Raise SourceUnreadable where a name is taken: nothing is overwritten."""
    for path in paths:
        if path.exists() or path.is_symlink():  # also one that leads nowhere
            raise SourceUnreadable(
                f"{path} exists already, and nothing is overwritten",
                fix="Name another file, or remove this one first.",
            )


def finish(paths: Iterable[Path]) -> None:
    """Give whole files their names, durably. Raises as `require_new` does."""
    for path in paths:
        require_new([path])
        flush(part_of(path))
        os.link(part_of(path), path)  # unlike a rename it never takes the place of another file
        part_of(path).unlink()
        flush_directory(path.parent)


def give_up(paths: Iterable[Path]) -> None:
    """Remove what was begun."""
    for path in paths:
        part_of(path).unlink(missing_ok=True)
