"""Fill and ask PostgreSQL with pgvector: a program of the peers' environment, not of ours.

    ENVIRONMENT/bin/python pgvector_client.py fill|ask FOLDER

Reads `asking.json` (k, clients, judged, m, ef, ef_construction), `documents.npy` and
`questions.npy` in FOLDER; writes `said.json`. One thread a connection, prepared statements,
vectors as text: what a Python program would do. The rule of this file: it imports nothing of ours.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pgserver
import psycopg
from numpy.typing import NDArray

WARM_UP = 20


def main(verb: str, folder: Path) -> None:
    """Do one of both, with the server up meanwhile."""
    asking = json.loads((folder / "asking.json").read_text())
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        uri = server.get_uri()
        if verb == "fill":
            documents = np.load(folder / "documents.npy")
            began = time.perf_counter()
            version = fill(uri, documents, asking)
            said: Any = {"version": version, "filled_s": time.perf_counter() - began}
        else:
            texts = [written(row) for row in np.load(folder / "questions.npy")]
            said = [
                {"clients": clients, **ask(uri, texts, clients, asking)}
                for clients in asking["clients"]
            ]
    finally:
        server.cleanup()
    (folder / "said.json").write_text(json.dumps(said))


def fill(uri: str, documents: NDArray[np.float32], asking: dict[str, Any]) -> str:
    """Copy the documents in and index them; returns the versions."""
    with psycopg.connect(uri, autocommit=True) as db:
        db.execute("CREATE EXTENSION IF NOT EXISTS vector")
        db.execute("DROP TABLE IF EXISTS records")
        db.execute(f"CREATE TABLE records (id int PRIMARY KEY, v vector({documents.shape[1]}))")
        with db.cursor().copy("COPY records FROM STDIN") as copy:
            for number, row in enumerate(documents):
                copy.write_row((number, written(row)))
        db.execute("SET maintenance_work_mem = '1GB'")
        options = f"m = {asking['m']}, ef_construction = {asking['ef_construction']}"
        db.execute(f"CREATE INDEX ON records USING hnsw (v vector_ip_ops) WITH ({options})")
        asked = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
        (version,) = db.execute(asked).fetchone() or ("",)
        return f"pgvector {version}, PostgreSQL {db.info.server_version // 10_000}"


def ask(uri: str, texts: list[str], clients: int, asking: dict[str, Any]) -> dict[str, Any]:
    """Ask every text by so many threads."""
    rest, lock = iter(range(len(texts))), threading.Lock()
    latencies = [0.0] * len(texts)
    found: list[list[int]] = [[] for _ in texts]
    ready, go = threading.Barrier(clients + 1), threading.Barrier(clients + 1)

    def client() -> None:
        with psycopg.connect(uri, autocommit=True) as db:
            db.execute(f"SET hnsw.ef_search = {asking['ef']}")
            statement = "SELECT id FROM records ORDER BY v <#> %s::vector LIMIT %s"
            cursor = db.cursor()
            for text in texts[:WARM_UP]:
                cursor.execute(statement, (text, asking["k"]), prepare=True).fetchall()
            ready.wait()
            go.wait()
            while True:
                with lock:
                    number = next(rest, None)
                if number is None:
                    return
                began = time.perf_counter()
                cursor.execute(statement, (texts[number], asking["k"]))
                found[number] = [row[0] for row in cursor.fetchall()]
                latencies[number] = time.perf_counter() - began

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    began, cpu = time.perf_counter(), time.process_time()
    go.wait()
    for thread in threads:
        thread.join()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "seconds": seconds,
        "latencies": latencies,
        "found": found[: asking["judged"]],
        "load_share": cpu / seconds,
    }


def written(row: NDArray[np.float32]) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(map(repr, row.tolist())) + "]"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
