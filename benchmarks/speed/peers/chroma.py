"""(d) Chroma's server, asked over its HTTP API by the same load as the node, without its client.

The rule of this file: nothing of Chroma is imported; the server is a process of an environment of
its own (`requirements/bench.sh`), because its dependencies are not ours.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from benchmarks.one_node.closed_loop import Answered, exchanged
from benchmarks.one_node.machine import free_port
from benchmarks.speed.peers.asked import Asking, NotThere, Round, told
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


def measure(environment: Path, folder: Path, asking: Asking) -> dict[str, Any]:
    """Put the documents in and ask; raises NotThere. `folder` is emptied first."""
    program = environment / "bin" / "chroma"
    if not program.exists():
        raise NotThere(f"no Chroma in {environment.name}: requirements/bench.sh installs it")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port = free_port()
    with _serving(program, folder, port):
        began = time.perf_counter()
        where = _filled(port, asking.documents)
        filled_s = time.perf_counter() - began
        runs = _asked(port, f"{where}/query", asking)
    return {"documents_per_second": len(asking.documents) / filled_s, "runs": runs}


@contextmanager
def _serving(program: Path, folder: Path, port: int) -> Iterator[None]:
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
    with (folder / "chroma.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until = time.monotonic() + PATIENCE_S
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > until:
                said = (folder / "chroma.log").read_text(errors="replace")
                raise NotThere(f"Chroma did not start: {said[-300:]}")
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/api/v2/heartbeat", timeout=5):
            return True
    except OSError:
        return False


def _filled(port: int, documents: Floats) -> str:
    """Make a collection with the node's index parameters; returns its path."""
    settings = IndexSettings()
    hnsw = {
        "space": "ip",
        "ef_construction": settings.ef_construction,
        "ef_search": settings.ef,
        "max_neighbors": settings.m,
    }
    made = _post(port, COLLECTIONS, {"name": "records", "configuration": {"hnsw": hnsw}})
    where = f"{COLLECTIONS}/{made['id']}"
    for start in range(0, len(documents), AT_ONCE):
        some = documents[start : start + AT_ONCE]
        ids = [str(start + place) for place in range(len(some))]
        _post(port, f"{where}/add", {"ids": ids, "embeddings": some.tolist()})
    return where


def _post(port: int, path: str, sent: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"http://{HOST}:{port}{path}",
        json.dumps(sent).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise NotThere(f"Chroma refused {path}: {error.read()[:300]!r}") from None


def _asked(port: int, path: str, asking: Asking) -> list[dict[str, Any]]:
    wires = [_wire(port, path, row.tolist(), asking.k) for row in asking.questions]
    warm_up = min(WARM_UP, len(wires))
    wires = wires[:warm_up] + wires
    rounds: dict[int, list[Round]] = {clients: [] for clients in asking.clients}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as load:
        for _ in range(asking.rounds):
            for clients, done in rounds.items():
                answered = load.submit(exchanged, HOST, port, wires, clients, warm_up).result()
                done.append(_round(answered, len(asking.nearest)))
    return [told(asking, clients, done) for clients, done in rounds.items()]


def _wire(port: int, path: str, vector: list[float], k: int) -> bytes:
    body = json.dumps({"query_embeddings": [vector], "n_results": k, "include": []}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _round(answered: Answered, judged: int) -> Round:
    found = [
        json.loads(raw.partition(b"\r\n\r\n")[2])["ids"][0] for raw in answered.answers[:judged]
    ]
    rows = [[int(name) for name in names] for names in found]
    share = answered.own_cpu_s / answered.seconds
    return Round(answered.seconds, answered.latencies, rows, share)
