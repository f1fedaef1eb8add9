"""The exit codes of the command line: one number for each class of outcome (docs/cli.md)."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a finished command tells the shell; scripts may rely on these numbers."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    PARTIAL = 4
    UNAVAILABLE = 5
    UNVERIFIED = 6
    DIVERGED = 7
    INTERRUPTED = 130


MEANING: dict[ExitCode, str] = {
    ExitCode.OK: "It was done.",
    ExitCode.FAILED: "It was not done; the message names the cause and the fix.",
    ExitCode.USAGE: "The command line or a value in it is not valid.",
    ExitCode.REFUSED: "Refused by policy: a grant, a token, a purpose, or the partner's decision.",
    ExitCode.PARTIAL: "A part was done or answered; the output names what was not.",
    ExitCode.UNAVAILABLE: "A node, partner or encoder that is needed is in use or out of reach.",
    ExitCode.UNVERIFIED: "A signature, proof, digest or log did not verify.",
    ExitCode.DIVERGED: "Signed accounts contradict each other; the output names where.",
    ExitCode.INTERRUPTED: "Interrupted (Ctrl-C); what was under way was cancelled.",
}
