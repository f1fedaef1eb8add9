"""Progress on standard error: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from node.cli.output import is_terminal

if TYPE_CHECKING:
    from node.cli.invocation import Invocation
    from node.operations.registry import Progress

LINE_EVERY_S = 5.0


@contextmanager
def shown_progress(invocation: Invocation) -> Iterator[Progress]:
    """A `Progress` that shows itself as the invocation wishes."""
    if invocation.quiet:
        from node.operations.registry import silent

        yield silent
    elif is_terminal(sys.stderr):
        with _bar() as progress:
            yield progress
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, object] = {}

        def progress(done: int, total: int | None, what: str) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)  # type: ignore[arg-type]  # TaskID is an int at run time

        yield progress


def _lines() -> Progress:
    last = time.monotonic()

    def progress(done: int, total: int | None, what: str) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_EVERY_S:
            last = time.monotonic()
            typer.echo(f"{what}: {done}" + (f" of {total}" if total else ""), err=True)

    return progress
