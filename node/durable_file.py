"""Replacing a small file so that a crash leaves either the old content or the new, never a mixture.

The new content is written beside the old, flushed to disk, renamed over it, and the directory is
flushed too: without the last step the rename itself may be lost with the power. What a killed
process left beside a file has one fixed name, so that the next writer of the same file removes it.
"""

import os
from pathlib import Path


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put `content` at `path` durably; the file is created with `mode` before a byte is in it.

    Raises OSError when the disk refuses; the old content is then still whole.
    """
    beside = _beside(path)
    beside.unlink(missing_ok=True)
    # O_EXCL: a file that somebody else puts there meanwhile, or a link, is never written through
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
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
    """Remove `path` durably, with what a killed writer left beside it; missing is no error."""
    _beside(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    flush_directory(path.parent)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


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
