"""Where the passphrase of an archive comes from: a file, or a prompt; never an argument.

It is another one than that of the key files, which an archive holds as they are.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from node.operations.errors import InvalidRequest


def new_passphrase(seal: bool, file: Path | None) -> bytes | None:
    """The passphrase to seal with, None where the archive is to stay open.

    Raises InvalidRequest where it cannot be read, is empty, or is not the same twice.
    """
    if file is not None:
        return _read(file)
    if not seal:
        return None
    if not sys.stdin.isatty():
        raise InvalidRequest(
            "There is no terminal to ask for a passphrase on.", fix="Give --passphrase-file."
        )
    first = getpass.getpass("New passphrase for the archive: ")
    if not first or getpass.getpass("The same again: ") != first:
        raise InvalidRequest(
            "The passphrase is empty, or the two differ.", fix="Run the command again."
        )
    return first.encode()


def known_passphrase(file: Path | None) -> Callable[[], bytes | None]:
    """What gives the passphrase of a sealed archive once it turns out to be sealed."""

    def ask() -> bytes | None:
        if file is not None:
            return _read(file)
        if not sys.stdin.isatty():
            return None
        return getpass.getpass("Passphrase of the archive: ").encode() or None

    return ask


def _read(file: Path) -> bytes:
    try:
        found = file.read_bytes().removesuffix(b"\n").removesuffix(b"\r")
    except OSError as error:
        raise InvalidRequest(
            f"The passphrase file {file} cannot be read: {error.strerror}.",
            fix="Correct --passphrase-file, or the file's owner and mode.",
        ) from None
    if not found:
        raise InvalidRequest(
            f"The passphrase file {file} is empty.", fix="Write the passphrase into it."
        )
    return found
