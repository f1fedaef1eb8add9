"""The log.db that an audit verb reads: the node's own, or the copy that `--log` names."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from node.cli.given_file import only_files
from node.cli.invocation import current

LogOption = Annotated[
    Path | None,
    typer.Option(
        "--log",
        help="A copy of a log.db instead of the node's own.",
        exists=True,
        dir_okay=False,
        callback=only_files,
    ),
]


def own_log() -> Path:
    """Return the log.db of `--data`; raises where there is no node or no log."""
    from node.data_directory import DataDirectory

    data = DataDirectory(current().data)
    data.require()
    if not data.log_file.exists():
        from node.operations.errors import NotFound

        raise NotFound(
            f"There is no log.db in {data.path}: its node was never started, or the file is gone.",
            fix="interlingua serve; where it has run before, restore the newest backup.",
            code="no-log",
        )
    return data.log_file


def of_log(log: Path | None) -> str:
    """Return what a next command takes so that it reads the same log; empty for the node's own."""
    return "" if log is None else f" --log {shlex.quote(str(log))}"
