"""Reading files that other members hand over: nothing is read that could not be what is meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.tensor_file import MAX_FILE_BYTES
from node.regular_file import open_regular
from node.spaces.errors import FileTooLong, SpaceError
from protocol.limits import MAX_DOCUMENT_BYTES


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in what is raised of its content: in a folder nobody else could tell."""
    try:
        yield
    except SpaceError as error:
        raise type(error)(f"{path}: {error}", fix=error.fix) from error


def read_manifest_file(path: Path) -> bytes:
    """The bytes of a manifest. Raises FileTooLong, OSError."""
    return _read(path, MAX_DOCUMENT_BYTES)


def read_tensor_file(path: Path) -> bytes:
    """The bytes of a file of positions or embeddings. Raises FileTooLong, OSError."""
    return _read(path, MAX_FILE_BYTES)


def _read(path: Path, max_bytes: int) -> bytes:
    with open_regular(path) as file:
        raw = file.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise FileTooLong(f"{path} is longer than {max_bytes} bytes")
    return raw
