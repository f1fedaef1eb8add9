"""The clinic's node as a process of its own: `interlingua serve`, with its log on file."""

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
def serving(folder: Path) -> Iterator[int]:
    """Serve the clinic; yields the process id once it listens."""
    command = [sys.executable, "-m", "node.cli.main", "serve", "--json"]
    with (folder / "serve.log").open("wb") as log:
        child = subprocess.Popen(
            [*command, "--data", str(folder / CLINIC)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        said = child.stdout.readline() if child.stdout else b""
        if b'"federation"' not in said:
            raise RuntimeError(f"the node did not start: {said.decode()}")
        yield child.pid
    finally:
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
