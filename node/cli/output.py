"""What a verb prints: the result on standard output, progress and hints on standard error.

With `--json` standard output holds exactly one JSON object: the result's model, or
`{"problem": {...}}`. People get plain lines and tables, in which no character steers the terminal:
some of the words are a partner's, or a stranger's who sent a file.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

import typer

from node.cli.invocation import current
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from pydantic import BaseModel

    from node.operations.errors import OperationProblem


_STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but LF, marks of writing direction, separators of lines, lone surrogates."""


def finish(
    result: BaseModel,
    people: Callable[[], None],
    *,
    next_step: str = "",
    exit_code: ExitCode = ExitCode.OK,
) -> None:
    """End a verb: show its result and name the likely next command.

    Args:
        result: printed as one JSON object with `--json`.
        people: prints the result for people, with `line` and `table`.
        next_step: the likely next command, shown as a hint on standard error.
        exit_code: `PARTIAL` or `UNVERIFIED` where the result says so.

    Raises:
        typer.Exit: where the exit code is not 0.
    """
    if current().json:
        typer.echo(_as_json(result))
    else:
        people()
        if next_step and not current().quiet:
            typer.echo(f"Next: {_for_this_node(next_step)}", err=True)
    if exit_code is not ExitCode.OK:
        raise typer.Exit(exit_code)


def _as_json(result: BaseModel) -> str:
    """One line of JSON; a name that is no UTF-8, as files may have, with its bytes escaped."""
    try:
        return result.model_dump_json()
    except ValueError:
        import json

        return json.dumps(result.model_dump(), separators=(",", ":"), default=str)


def _for_this_node(command: str) -> str:
    """The command with the `--data` under which this verb ran, where it was not the default.

    What is said in words, such as a command for a partner's node, stays as it is.
    """
    words = not command.startswith("interlingua ") or command.endswith(")")
    if current().data_option is None or "--data" in command or words:
        return command
    return f"{command} --data {shlex.quote(str(current().data_option))}"


def line(text: str = "") -> None:
    """One line for people on standard output."""
    typer.echo(_harmless(text))


def note(text: str) -> None:
    """One line on standard error: a warning or an explanation, never a result."""
    if not current().quiet:
        typer.echo(_harmless(text), err=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for people; plain and tab-free when standard output is not a terminal.

    Plain too where it is wider than the terminal, which then wraps its lines: a narrowed column
    would cut ids and references that the next command takes.
    """
    cells = _cells(rows)
    widths = _widths(columns, cells)
    if _fit(widths) and is_terminal(sys.stdout):
        _rich_table(columns, cells)
        return
    for row in [list(columns), *cells]:
        typer.echo(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream of this process is one; a closed one is None."""
    return stream is not None and stream.isatty()


def figures(columns: Sequence[str], rows: Sequence[Sequence[str | int]]) -> None:
    """A table of counts for people; folded where it is wider than the terminal.

    Folded, the counts stay columns with as many of the texts before them as there is room for, and
    the other texts stand under each row.
    """
    cells = _cells(rows)
    if not rows or _fit(_widths(columns, cells)):
        table(columns, rows)
        return
    from node.cli.folded_table import folded

    counts = [not isinstance(cell, str) for cell in rows[0]]
    for text in folded(columns, cells, counts, shutil.get_terminal_size().columns):
        typer.echo(text)


def _cells(rows: Iterable[Sequence[object]]) -> list[list[str]]:
    return [[_harmless(str(cell)).replace("\n", " ") for cell in row] for row in rows]


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(text) for text in column) for column in zip(columns, *cells, strict=True)]


def _fit(widths: Sequence[int]) -> bool:
    return sum(widths) + 2 * (len(widths) - 1) <= shutil.get_terminal_size().columns


def _rich_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in cells:
        shown.add_row(*(Text(cell) for cell in row))
    Console().print(shown)


def show_problem(
    problem: OperationProblem, *, as_json: bool, debug: BaseException | None = None
) -> None:
    """Show why a verb did not succeed, and the fix; with `as_json` also as the one object."""
    if debug is not None:
        traceback.print_exception(debug)
    typer.echo(f"error: {_harmless(problem.detail)}", err=True)
    if problem.fix:
        typer.echo(f"fix: {_harmless(problem.fix)}", err=True)
    if as_json:
        import json

        with suppress(OSError):  # a full disk behind standard output may be what went wrong
            typer.echo(json.dumps({"problem": problem.model_dump()}))


def _harmless(text: str) -> str:
    return _STEERING.sub("?", text)
