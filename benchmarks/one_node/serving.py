"""A node as a process of its own: `interlingua serve`, with its log on file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.one_node.founding import CLINIC

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 30.0


@contextmanager
def serving(folder: Path, name: str = CLINIC) -> Iterator[int]:
    """Serve an organisation's node; yields the process id once it listens."""
    child = started(folder, name)
    try:
        yield child.pid
    finally:
        ended(child)


def started(folder: Path, name: str) -> subprocess.Popen[bytes]:
    """Start an organisation's node, and return once it listens. Raises RuntimeError."""
    command = [sys.executable, "-m", "node.cli.main", "serve", "--json"]
    with (folder / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            [*command, "--data", str(folder / name)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    said = child.stdout.readline() if child.stdout else b""
    if b'"federation"' not in said:
        ended(child)
        raise RuntimeError(f"the node did not start: {said.decode()}; see {name}.log")
    return child


def ended(child: subprocess.Popen[bytes]) -> None:
    """Ask a node to end, and kill it if it does not."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


def cpu_seconds(pid: int) -> float | None:
    """Processor time that a process and its threads have used, None where /proc does not say."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
