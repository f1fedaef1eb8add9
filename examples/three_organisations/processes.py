"""The demo's long-running processes, which end with it, however it ends.

The rule of this file: every process is started here, in a session of its own so that Ctrl-C reaches
only the demo, and is asked to end (SIGTERM), waited for, and killed only if it does not.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

PATIENCE_S = 30.0
"""Seconds that a process gets to end by itself."""

ENDING = (signal.SIGTERM, signal.SIGHUP)


class ProcessDied(Exception):
    """A process ended before it was ready; the message quotes the end of its log."""


class Process:
    """A running process that says on standard output, in one line of JSON, when it is ready."""

    def __init__(
        self, arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            self._child = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                text=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def ready(self) -> dict[str, Any]:
        """Wait for the line that says it is ready, and return it."""
        assert self._child.stdout is not None  # noqa: S101  # set by stdout=PIPE above
        line = self._child.stdout.readline()
        if not line:
            self._child.wait()
            raise ProcessDied(f"{self.log.stem} ended before it was ready: {self._last_words()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def ask_to_end(self) -> None:
        """Send SIGTERM, unless it has ended."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        """Wait until it has ended, kill it where it does not; returns its exit code."""
        try:
            self._child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
        code = self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        return code

    def _last_words(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()


class Processes:
    """All processes of the demo; `close` ends them together."""

    def __init__(self) -> None:
        self._running: list[Process] = []

    def start(self, arguments: Sequence[str], log: Path, **environment: str) -> Process:
        """Start a process that ends with the demo."""
        process = Process(arguments, log, environment)
        self._running.append(process)
        return process

    def close(self) -> list[int]:
        """End all, the last started first; returns their exit codes."""
        ending, self._running = self._running[::-1], []
        for process in ending:
            process.ask_to_end()
        return [process.ended() for process in ending]


@contextmanager
def processes() -> Iterator[Processes]:
    """Processes that end with this block, also on Ctrl-C, SIGTERM and a closed terminal."""
    before = {number: signal.signal(number, _leave) for number in ENDING}
    started = Processes()
    try:
        yield started
    finally:
        for number in (*ENDING, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # nothing interrupts the tidying up
        started.close()
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)
