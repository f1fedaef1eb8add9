"""Replacing a small file so that a crash leaves either the old content or the new, never a mixture.

The new content is written beside the old, flushed to disk, renamed over it, and the directory is
flushed too: without the last step the rename itself may be lost with the power.
"""

import os
from pathlib import Path


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put `content` at `path` durably; the file is created with `mode` before a byte is in it.

    Raises OSError when the disk refuses; the old content is then still whole.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    flush_directory(path.parent)


def remove(path: Path) -> None:
    """Remove `path` durably; a missing file is no error."""
    path.unlink(missing_ok=True)
    flush_directory(path.parent)


def flush(path: Path) -> None:
    """Flush a file that something else has written, and the entry of its directory, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    flush_directory(path.parent)


def flush_directory(directory: Path) -> None:
    """Flush the entries of a directory to disk: names that were made, renamed or removed in it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
