"""(d) PostgreSQL with pgvector on a socket, as pgserver brings both.

The rule of this file: the client runs in the peers' environment (`pgvector_client.py`); here its
input is written and its output judged.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.speed.peers.asked import Asking, NotThere, Round
from node.index.settings import IndexSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT = "pgvector_client.py"
PATIENCE_S = 3_600.0


@dataclass(frozen=True)
class Pgvector:
    """pgserver's PostgreSQL of an environment."""

    environment: Path

    def fill(self, folder: Path, asking: Asking) -> dict[str, Any]:
        """Copy the documents in and index them."""
        settings = IndexSettings()
        graph = {"m": settings.m, "ef": settings.ef, "ef_construction": settings.ef_construction}
        said = {"k": asking.k, "clients": asking.clients, "judged": len(asking.nearest), **graph}
        (folder / "asking.json").write_text(json.dumps(said))
        np.save(folder / "documents.npy", asking.documents)
        np.save(folder / "questions.npy", asking.questions)
        filled = self.run("fill", folder)
        rate = len(asking.documents) / filled["filled_s"]
        return {"version": filled["version"], "documents_per_second": rate}

    @contextmanager
    def up(self, folder: Path) -> Iterator[Filled]:
        """Give what was filled; its client starts and stops the server."""
        yield Filled(self, folder)

    def run(self, verb: str, folder: Path) -> Any:
        """Let the client do something; returns what it says. Raises NotThere."""
        python = self.environment / "bin" / "python"
        if not python.exists():
            where = self.environment.name
            raise NotThere(f"no pgserver in {where}: requirements/bench.sh installs it")
        command = [str(python), str(Path(__file__).with_name(CLIENT)), verb, str(folder)]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=PATIENCE_S
        )
        if done.returncode:
            raise NotThere(f"pgvector did not run: {done.stderr[-300:]}")
        return json.loads((folder / "said.json").read_text())


@dataclass(frozen=True)
class Filled:
    """A folder with PostgreSQL's data."""

    pgvector: Pgvector
    folder: Path

    def ask(self, asking: Asking) -> list[Round]:
        """Ask every question by each number of clients."""
        rounds = [Round(**one) for one in self.pgvector.run("ask", self.folder)]
        if [one.clients for one in rounds] != list(asking.clients):
            raise NotThere("the folder was filled for other numbers of clients")
        return rounds
