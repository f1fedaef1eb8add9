"""In which forms a report is written, and where to.

Rule of this file: a file that is written is new, and its owner's alone.
"""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from node.audit.reports.report import Report


class Form(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"
    HTML = "html"


OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Write it to this file, mode 0600; nothing is replaced.", dir_okay=False
    ),
]


def written_as(form: Form, made: Report) -> str:
    """Return the report as text in the form that was asked for; a table is CSV in a file."""
    if form is Form.HTML:
        from node.audit.reports.page import as_page

        return as_page(made, int(time.time()))
    from node.audit.reports.sheet import as_csv

    return as_csv(made)


def write_new(out: Path, text: str) -> None:
    """Write a new file, or none; raises as `new_file` does."""
    from node.cli.new_file import new_file

    with new_file(out) as file:
        file.write(text.encode())
