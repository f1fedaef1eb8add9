"""A secret that comes from outside: it is never a setting, so it is never shown.

In this order: the file that one variable names (one trailing newline is cut), another variable, a
prompt where that is allowed and there is a terminal. It is looked for once, when it is needed.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import ClassVar

from node.operations.errors import OperationError


class GivenSecret:
    """Finds a secret once. A subclass names what it is and where it comes from.

    Args:
        prompt: ask on the terminal when neither file nor variable is set.
    """

    what: ClassVar[str]
    """What the secret is, in words: `passphrase`."""
    needed: ClassVar[str]
    """Why it is needed, as a sentence."""
    question: ClassVar[str]
    """What is asked on the terminal."""
    variable: ClassVar[str]
    file_variable: ClassVar[str]
    missing: ClassVar[type[OperationError]]

    def __init__(self, *, prompt: bool = False) -> None:
        self.prompt = prompt
        self._found: bytes | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def given(self) -> bytes | None:
        """The secret from file or variable, or None; never asks.

        Raises:
            OperationError: the class `missing`; the named file cannot be read, or is empty.
        """
        if self._found is None:
            # as bytes, as a file holds it: what is no UTF-8 is a secret too
            self._found = self._from_file() or os.environb.get(self.variable.encode()) or None
        return self._found

    def required(self) -> bytes:
        """The secret, asking for it where that is possible.

        Raises:
            OperationError: the class `missing`; there is none.
        """
        if self.given() is None and self.prompt and sys.stdin.isatty():
            self._found = getpass.getpass(self.question).encode() or None
        if self._found is None:
            raise self.missing(
                self.needed,
                fix=f"Set {self.file_variable} to a file that holds it (mode 0600), or set "
                f"{self.variable}.",
            )
        return self._found

    def _from_file(self) -> bytes | None:
        name = os.environ.get(self.file_variable)
        if not name:
            return None
        try:
            content = Path(name).read_bytes().removesuffix(b"\n").removesuffix(b"\r")
        except OSError as error:
            raise self.missing(
                f"The {self.what} file {name} cannot be read: {error.strerror}.",
                fix=f"Correct {self.file_variable}, or the file's owner and mode.",
            ) from None
        if not content:
            raise self.missing(
                f"The {self.what} file {name} is empty.", fix=f"Write the {self.what} into it."
            )
        return content
