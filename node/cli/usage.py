"""A command line that cannot be understood: cause and fix like those of any other error.

typer's own words stand where they are plain; those that it takes over from pydantic do not. It is
imported only when there is something to say.
"""

from __future__ import annotations

import re
from typing import Any

from node.cli.output import show_problem
from node.operations.errors import InvalidRequest

NO_FILE = re.compile("does not exist|is not readable|no file|No such file|Permission denied")
"""How it is said that a file is not there or cannot be read."""

OF_EVERY_VERB = re.compile("No such option: --(data|json|quiet)")
"""Options that every verb has, and neither the command nor a group before it."""

PLAIN = {
    "Input should be a valid integer": "it must be a whole number, e.g. 10",
    "Input should be a valid number": "it must be a number, e.g. 2.5",
    "Input should be a valid boolean": "it must be true or false",
    "Input should be greater than or equal to ": "it must be at least ",
    "Input should be less than or equal to ": "it must be at most ",
    "Input should be ": "it must be one of ",
}
"""How pydantic begins, and what is said instead; the last keeps the list that follows."""


def refused(error: Any, *, as_json: bool) -> int:
    """Show why typer refused a command line; return the exit code.

    Args:
        error: typer's `UsageError` or one of its kind (its class is not exported).
        as_json: print the problem on standard output too.
    """
    words = _plain(error.format_message().strip())
    if not words:  # a group without a verb: typer has shown its help
        return int(error.exit_code)
    path = error.ctx.command_path if error.ctx is not None else "interlingua"
    problem = InvalidRequest(
        words if words.endswith((".", "?", ")")) else f"{words}.",
        fix=correction(words, path),
        code="usage",
    ).problem()
    show_problem(problem, as_json=as_json)
    return problem.exit_code


def correction(words: str, verb: str) -> str:
    """What to do about a command line that is refused in these words, of `verb` with its groups."""
    if NO_FILE.search(words):
        return "Correct the path, or make the file readable; nothing was done."
    if OF_EVERY_VERB.search(words):
        return "Write it after the verb, e.g. `interlingua status --json`."
    return f"Correct it and run it again; `{verb} --help` shows what it takes."


def _plain(text: str) -> str:
    text = text.replace("Value error, ", "")
    for begins, instead in PLAIN.items():
        before, found, after = text.partition(begins)
        if found:
            return before + instead + (after if instead.endswith(" ") else "")
    return text
