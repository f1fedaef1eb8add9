"""Real servers to import from: Chroma, and PostgreSQL with pgvector as pgserver brings it.

They are the benchmark's (requirements/bench.sh installs them into .bench/peers).
"""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PEERS = Path(os.environ.get("INTERLINGUA_PEERS", Path(__file__).parents[3] / ".bench" / "peers"))
PATIENCE_S = 60.0

_POSTGRES = """
import sys, pgserver
server = pgserver.get_server(sys.argv[1], cleanup_mode="stop")
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
"""


def program(name: str) -> Path:
    """A program of the peers' environment; skips the test, with the reason, without it."""
    found = PEERS / "bin" / name
    if not found.exists():
        pytest.skip(f"no {name} in {PEERS}: requirements/bench.sh installs it")
    return found


@contextmanager
def chroma(folder: Path) -> Iterator[str]:
    """Run Chroma's server; its address."""
    command = program("chroma")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = folder / "chroma.log"
    with said.open("wb") as log:
        server = subprocess.Popen(
            [command, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + PATIENCE_S
        while not _answers(f"http://127.0.0.1:{port}/api/v2/heartbeat"):
            if server.poll() is not None or time.monotonic() > until:
                pytest.skip(f"Chroma does not start here: {said.read_text()[-200:]}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


@contextmanager
def postgres() -> Iterator[str]:
    """Run PostgreSQL on a socket; its address. Not as root, so not below a folder of the tests."""
    python = program("python")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with _postgres(python, Path(folder, "data")) as uri:
            yield uri


@contextmanager
def _postgres(python: Path, folder: Path) -> Iterator[str]:
    server = subprocess.Popen(
        [python, "-c", _POSTGRES, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with server:
        lines = server.stdout
        uri = "" if lines is None else lines.readline().strip()
        if not uri:
            pytest.skip("PostgreSQL with pgvector does not start here")
        yield uri
        if server.stdin is not None:
            server.stdin.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - an address of this test
            return True
    except (urllib.error.URLError, OSError):
        return False
