"""`interlingua audit verify FORK`: did a log's key sign two trees that contradict each other?

Rule of this file: verifying reads the file of evidence and nothing of a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.cli.output import finish, line, note
from node.operations.audit_fork import is_fork
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from node.operations.audit_fork import ForkVerified

__all__ = ["is_fork", "verify"]


def verify(path: Path, fingerprints: Sequence[str], log_key: str | None) -> None:
    """Verify evidence of a fork and show what it proves."""
    from node.operations.audit import parse_log_key
    from node.operations.audit_fork import verify_fork

    result = verify_fork(path, tuple(fingerprints), parse_log_key(log_key))
    diverged = result.verdict == "DIVERGED"
    finish(
        result,
        lambda: _say(result),
        next_step="show it to the log's owner and to its other partners"
        if diverged
        else "ask whoever gave you the file for the whole of it",
        exit_code=ExitCode.DIVERGED if diverged else ExitCode.UNVERIFIED,
    )


def _say(result: ForkVerified) -> None:
    line(f"log       {result.origin}")
    for tree in result.trees:
        line(f"signed    {tree.size} leaves, root {tree.root}")
    for found in result.findings:
        line(f"WRONG     {found.kind}: {found.detail}")
    line(f"verdict   {result.verdict}")
    if not result.key_given:
        note(
            "The log's key was taken from the file, which anybody could have made. Compare the "
            f"fingerprint of its root key with what its owner says, and give it with --root: "
            f"{result.fingerprint}"
        )
