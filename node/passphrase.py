"""Where the passphrase of the key files comes from; it is never a setting, so it is never shown.

In this order: the file named by INTERLINGUA_PASSPHRASE_FILE (one trailing newline is cut), the
variable INTERLINGUA_PASSPHRASE, a prompt where that is allowed and there is a terminal. Key files
without a passphrase need none, and nobody is asked.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from node.operations.errors import OperationError

FILE_VARIABLE = "INTERLINGUA_PASSPHRASE_FILE"
VARIABLE = "INTERLINGUA_PASSPHRASE"


class PassphraseMissing(OperationError):
    """The keys are sealed and no passphrase was given."""

    default_code = "passphrase-missing"


class Passphrase:
    """Finds the passphrase once, when the first sealed key file asks for it.

    Args:
        prompt: ask on the terminal when neither file nor variable is set.
    """

    def __init__(self, *, prompt: bool = False) -> None:
        self._prompt = prompt
        self._found: bytes | None = None

    def __repr__(self) -> str:
        return "Passphrase(...)"

    def given(self) -> bytes | None:
        """The passphrase from file or variable, or None; never asks.

        Raises:
            PassphraseMissing: the named file cannot be read, or is empty.
        """
        if self._found is None:
            self._found = _from_file() or os.environ.get(VARIABLE, "").encode() or None
        return self._found

    def required(self) -> bytes:
        """The passphrase of sealed keys, asking for it where that is possible.

        Raises:
            PassphraseMissing: there is none.
        """
        if self.given() is None and self._prompt and sys.stdin.isatty():
            self._found = getpass.getpass("Passphrase of the node's keys: ").encode() or None
        if self._found is None:
            raise PassphraseMissing(
                "The node's keys are sealed with a passphrase, and none was given.",
                fix=f"Set {FILE_VARIABLE} to a file that holds it (mode 0600), or set {VARIABLE}.",
            )
        return self._found


def choose_new() -> bytes | None:
    """Ask twice for a new passphrase on the terminal; empty means none."""
    first = getpass.getpass("New passphrase for the node's keys (empty: none): ")
    if first and getpass.getpass("The same again: ") != first:
        raise OperationError("The two passphrases differ.", fix="Run the command again.")
    return first.encode() or None


def _from_file() -> bytes | None:
    name = os.environ.get(FILE_VARIABLE)
    if not name:
        return None
    try:
        content = Path(name).read_bytes().removesuffix(b"\n").removesuffix(b"\r")
    except OSError as error:
        raise PassphraseMissing(
            f"The passphrase file {name} cannot be read: {error.strerror}.",
            fix=f"Correct {FILE_VARIABLE}, or the file's owner and mode.",
        ) from None
    if not content:
        raise PassphraseMissing(
            f"The passphrase file {name} is empty.", fix="Write the passphrase into it."
        )
    return content
