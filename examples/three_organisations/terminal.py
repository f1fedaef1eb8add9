"""What the demo says while it runs.

The rule of this file: progress goes to standard error or to standard output, never to both: with
`--json` standard output holds one JSON object and nothing else.
"""

from __future__ import annotations

import shlex
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO


class Terminal:
    """Numbered steps, the commands that they run, and tables."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._begun = time.monotonic()
        self.steps: list[dict[str, object]] = []
        self._held = threading.local()

    @contextmanager
    def held(self) -> Iterator[list[str]]:
        """Keep what this thread says in the list that is given, instead of showing it."""
        lines: list[str] = []
        self._held.lines = lines
        try:
            yield lines
        finally:
            self._held.lines = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._begun

    def step(self, title: str) -> None:
        """Begin a step."""
        self.steps.append({"title": title, "began_s": round(self.elapsed_s, 1)})
        self.say(f"\n{len(self.steps)}. {title}  [{self.elapsed_s:.0f} s]")

    def command(self, arguments: Sequence[str]) -> None:
        """Show a command as one would type it."""
        self.say(f"   $ {shlex.join(arguments)}")

    def result(self, text: str) -> None:
        """Show what a command gave."""
        self.say(f"     {text}")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Show rows under aligned columns."""
        cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
        for row in cells:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.result("  ".join(padded).rstrip())

    def say(self, text: str) -> None:
        """One line or more."""
        held: list[str] | None = getattr(self._held, "lines", None)
        if held is not None:
            held.append(text)
            return
        print(text, file=self._stream, flush=True)
