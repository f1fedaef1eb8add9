"""Running the `interlingua` command as a user runs it.

The rule of this file: the demo reaches a node through this command and over HTTP only. Each command
is shown as it is run; only `--json --quiet` is added, to read its result.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

from examples.three_organisations.terminal import Terminal


class CommandFailed(Exception):
    """A command ended with an exit code that was not expected; the message shows what it said."""


def interlingua_command() -> str:
    """Path of the installed command: beside this Python, else on the search path."""
    beside = Path(sys.executable).with_name("interlingua")
    found = str(beside) if beside.exists() else shutil.which("interlingua")
    if found is None:
        raise CommandFailed("The interlingua command is not installed: run `pip install -e .`")
    return found


class Cli:
    """The command line of one node, whose data directory is `data`."""

    def __init__(self, data: Path, terminal: Terminal) -> None:
        self.data = data
        self._terminal = terminal

    @property
    def shown_data(self) -> str:
        """The data directory as one would type it."""
        return relative(self.data)

    def run(
        self, *arguments: str, expect: Collection[int] = (0,), shown: bool = True
    ) -> dict[str, Any]:
        """Run a verb and return its JSON object, with its `exit_code`; refused, it has a `problem`.

        Raises CommandFailed where the exit code is not among `expect`.
        """
        if shown:
            self._terminal.command(["interlingua", *arguments, "--data", self.shown_data])
        code, output, errors = _run(
            [interlingua_command(), *arguments, "--data", str(self.data), "--json", "--quiet"]
        )
        if code not in expect:
            raise CommandFailed(
                f"interlingua {' '.join(arguments)} ended with {code}:"
                f" {errors.strip() or output.strip()}"
            )
        printed: dict[str, Any] = json.loads(output)
        return {**printed, "exit_code": code}


_under_way: set[subprocess.Popen[str]] = set()
_abandoned = threading.Event()


def _run(arguments: list[str]) -> tuple[int, str, str]:
    if _abandoned.is_set():
        raise CommandFailed("the demo was interrupted")
    with subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        _under_way.add(command)
        try:
            output, errors = command.communicate()
        finally:
            _under_way.discard(command)
    return command.returncode, output, errors


def abandon() -> None:
    """End the commands that other threads wait for, and begin no more; those threads fail."""
    _abandoned.set()
    for command in list(_under_way):
        command.terminate()


def relative(path: Path) -> str:
    """The path from here where it lies below, else as it is: what one would type."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
