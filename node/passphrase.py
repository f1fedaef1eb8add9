"""The passphrase of the key files, and how a new one is chosen.

Key files without a passphrase need none, and nobody is asked.
"""

from __future__ import annotations

import getpass

from node.given_secret import GivenSecret
from node.operations.errors import OperationError

FILE_VARIABLE = "INTERLINGUA_PASSPHRASE_FILE"
VARIABLE = "INTERLINGUA_PASSPHRASE"


class PassphraseMissing(OperationError):
    """The keys are sealed and no passphrase was given."""

    default_code = "passphrase-missing"


class Passphrase(GivenSecret):
    """The passphrase that opens sealed key files."""

    what = "passphrase"
    needed = "The node's keys are sealed with a passphrase, and none was given."
    question = "Passphrase of the node's keys: "
    variable = VARIABLE
    file_variable = FILE_VARIABLE
    missing = PassphraseMissing


def choose_new() -> bytes | None:
    """Ask twice for a new passphrase on the terminal; empty means none."""
    first = getpass.getpass("New passphrase for the node's keys (empty: none): ")
    if first and getpass.getpass("The same again: ") != first:
        raise OperationError("The two passphrases differ.", fix="Run the command again.")
    return first.encode() or None
