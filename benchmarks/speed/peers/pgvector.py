"""(d) PostgreSQL with pgvector on a socket, as pgserver brings both.

The rule of this file: the client runs in the peers' environment (`pgvector_client.py`); here its
input is written and its output judged.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.peers.asked import Asking, NotThere, Round, told
from node.index.settings import IndexSettings

CLIENT = "pgvector_client.py"
PATIENCE_S = 3_600.0


def measure(environment: Path, folder: Path, asking: Asking) -> dict[str, Any]:
    """Put the documents in and ask; raises NotThere. `folder` is emptied first."""
    python = environment / "bin" / "python"
    if not python.exists():
        raise NotThere(f"no pgserver in {environment.name}: requirements/bench.sh installs it")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = IndexSettings()
    said = {
        "k": asking.k,
        "clients": asking.clients,
        "rounds": asking.rounds,
        "judged": len(asking.nearest),
        "m": settings.m,
        "ef": settings.ef,
        "ef_construction": settings.ef_construction,
    }
    (folder / "asking.json").write_text(json.dumps(said))
    np.save(folder / "documents.npy", asking.documents)
    np.save(folder / "questions.npy", asking.questions)
    client = Path(__file__).with_name(CLIENT)
    done = subprocess.run(
        [python, client, folder], check=False, capture_output=True, text=True, timeout=PATIENCE_S
    )
    if done.returncode:
        raise NotThere(f"pgvector did not run: {done.stderr[-300:]}")
    asked = json.loads((folder / "asked.json").read_text())
    rounds: dict[int, list[Round]] = {clients: [] for clients in asking.clients}
    for one in asked["rounds"]:
        clients = one.pop("clients")
        rounds[clients].append(Round(**one))
    return {
        "version": asked["version"],
        "documents_per_second": len(asking.documents) / asked["filled_s"],
        "runs": [told(asking, clients, done) for clients, done in rounds.items()],
    }
