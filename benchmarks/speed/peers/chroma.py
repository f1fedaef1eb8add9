"""(d) Chroma's server, asked over its HTTP API by the same load as the node, without its client.

The rule of this file: nothing of Chroma is imported; the server is a process of an environment of
its own (`requirements/bench.sh`), because its dependencies are not ours.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.one_node.closed_loop import Answered, exchanged
from benchmarks.one_node.machine import free_port
from benchmarks.one_node.processes import one_process
from benchmarks.speed.peers.asked import Asking, NotThere, Round
from node.index.settings import IndexSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.one_node.synthetic import Floats

HOST = "127.0.0.1"
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
AT_ONCE = 1_000
"""Documents in one request while they are put in."""
PATIENCE_S = 120.0
WARM_UP = 20
NAME = "records"


@dataclass(frozen=True)
class Chroma:
    """Chroma's server of an environment."""

    environment: Path

    def fill(self, folder: Path, asking: Asking) -> dict[str, Any]:
        """Put the documents in over HTTP."""
        with _serving(self._program(), folder) as port:
            began = time.perf_counter()
            _fill(port, asking.documents)
            filled_s = time.perf_counter() - began
        return {
            "version": self._version(),
            "documents_per_second": len(asking.documents) / filled_s,
        }

    @contextmanager
    def up(self, folder: Path) -> Iterator[Running]:
        """Start it on what was filled."""
        with (
            _serving(self._program(), folder) as port,
            one_process() as load,
        ):
            where = f"{COLLECTIONS}/{_get(port, f'{COLLECTIONS}/{NAME}')['id']}/query"
            yield Running(port, where, load)

    def _version(self) -> str:
        """The package's; the server tells only that of its API."""
        found = self.environment.glob("lib/python*/site-packages/chromadb-*.dist-info")
        return " ".join(f"Chroma {one.stem.partition('-')[2]}" for one in found)

    def _program(self) -> Path:
        program = self.environment / "bin" / "chroma"
        if not program.exists():
            where = self.environment.name
            raise NotThere(f"no Chroma in {where}: requirements/bench.sh installs it")
        return program


@dataclass(frozen=True)
class Running:
    """The server at a port, and the process that asks."""

    port: int
    path: str
    load: ProcessPoolExecutor

    def ask(self, asking: Asking) -> list[Round]:
        """Ask every question by each number of clients."""
        wires = [_wire(self.port, self.path, row.tolist(), asking.k) for row in asking.questions]
        warm_up = min(WARM_UP, len(wires))
        wires, rounds = wires[:warm_up] + wires, []
        for clients in asking.clients:
            sent = self.load.submit(exchanged, HOST, self.port, wires, clients, warm_up)
            rounds.append(_round(clients, sent.result(), len(asking.nearest)))
        return rounds


@contextmanager
def _serving(program: Path, folder: Path) -> Iterator[int]:
    port = free_port()
    command = [
        str(program),
        "run",
        "--path",
        str(folder / "data"),
        "--host",
        HOST,
        "--port",
        str(port),
    ]
    with (folder / "chroma.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until = time.monotonic() + PATIENCE_S
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > until:
                said = (folder / "chroma.log").read_text(errors="replace")
                raise NotThere(f"Chroma did not start: {said[-300:]}")
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/api/v2/heartbeat", timeout=5):
            return True
    except OSError:
        return False


def _fill(port: int, documents: Floats) -> None:
    """Make a collection with the node's index parameters, and put the documents in."""
    settings = IndexSettings()
    hnsw = {
        "space": "ip",
        "ef_construction": settings.ef_construction,
        "ef_search": settings.ef,
        "max_neighbors": settings.m,
    }
    made = _post(port, COLLECTIONS, {"name": NAME, "configuration": {"hnsw": hnsw}})
    where = f"{COLLECTIONS}/{made['id']}"
    for start in range(0, len(documents), AT_ONCE):
        some = documents[start : start + AT_ONCE]
        ids = [str(start + place) for place in range(len(some))]
        _post(port, f"{where}/add", {"ids": ids, "embeddings": some.tolist()})


def _post(port: int, path: str, sent: dict[str, Any]) -> Any:
    return _answered(port, path, json.dumps(sent).encode())


def _get(port: int, path: str) -> Any:
    return _answered(port, path, None)


def _answered(port: int, path: str, body: bytes | None) -> Any:
    request = urllib.request.Request(
        f"http://{HOST}:{port}{path}", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - http on loopback
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise NotThere(f"Chroma refused {path}: {error.read()[:300]!r}") from None


def _wire(port: int, path: str, vector: list[float], k: int) -> bytes:
    body = json.dumps({"query_embeddings": [vector], "n_results": k, "include": []}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _round(clients: int, answered: Answered, judged: int) -> Round:
    found = [
        json.loads(raw.partition(b"\r\n\r\n")[2])["ids"][0] for raw in answered.answers[:judged]
    ]
    rows = [[int(name) for name in names] for names in found]
    share = answered.own_cpu_s / answered.seconds
    return Round(clients, answered.seconds, answered.latencies, rows, share)
