"""(g) Latency of questions while documents come in at full speed, beside the idle node.

The rule of this file: the node that is asked and the node that takes documents in is one running
process, as in production: the questions come over HTTP, the documents through the admin socket as
`interlingua collection ingest` sends them, and both have the machine to share with the load.
"""

from __future__ import annotations

import itertools
import shutil
import time
from dataclasses import asdict
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.one_node.asking import QUESTIONS, note
from benchmarks.one_node.founding import CLINIC, COLLECTION, LABEL
from benchmarks.one_node.load import Job, run
from benchmarks.one_node.processes import one_process
from benchmarks.one_node.serving import cpu_seconds, serving
from node.cli.admin_client import NobodyListens, call
from node.data_directory import DataDirectory
from node.operations.collections import Ingest
from node.operations.errors import OperationError

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.one_node.asking import Node
    from benchmarks.one_node.kept import Kept

STREAM = 50
"""Stream of the synthetic world that new documents come from."""
NEW = 20_000
"""New documents in one file, at most; once they are in they come in again with other ids.

A file that is in when nobody asks any more is waited for: the node is idle only after that."""
PATIENCE_S = 60.0


def measure(node: Node, place: Path, questions: int, k: int, kept: Kept) -> dict[str, Any]:
    """Ask one client's `questions` of a copy of the node at `place` while it is busy.

    Half as many before and after that of the idle one, so that drift hits both alike.
    """
    given = {"shape": asdict(node.world.shape), "questions": questions, "k": k, "new": NEW}
    found: dict[str, Any] = kept.figure(
        "around", given, lambda: _measured(node, place, questions, k)
    )
    return found


def _measured(node: Node, place: Path, questions: int, k: int) -> dict[str, Any]:
    route = node.routes()[0]
    shutil.rmtree(place, ignore_errors=True)
    note("while ingesting: a copy of the node, which will grow")
    shutil.copytree(node.folder, place)
    world, width = node.world, route.width
    new = world.seen(world.meanings(min(NEW, world.shape.documents), STREAM), width, STREAM)
    incoming = Incoming(place, new)
    with one_process() as load:

        def asked(number: int, count: int) -> list[float]:
            note(f"while ingesting: {count} questions of the {('idle', 'busy')[number == 2]} node")
            stream = QUESTIONS + number
            vectors = world.seen(world.meanings(count, stream), width, stream)
            outcome = load.submit(run, Job(place, route, vectors, 1, k, 1)).result()
            if outcome.refused:
                raise RuntimeError(f"{outcome.refused} of {count} questions were refused")
            return outcome.latencies

        with serving(place) as pid:
            idle, half = asked(1, questions - questions // 2), questions // 2
            incoming.begin()
            began, before, cpu = time.perf_counter(), incoming.done, cpu_seconds(pid)
            busy = asked(2, questions)
            took, cpu_after = time.perf_counter() - began, cpu_seconds(pid)
            rate = (incoming.done - before) / took
            incoming.end()
            idle += asked(3, half)
    shutil.rmtree(place)
    used = None if cpu is None or cpu_after is None else (cpu_after - cpu) / took
    shown = dict[str, float]()
    for name, latencies in (("idle", idle), ("busy", busy)):
        p50, p99 = np.percentile(latencies, [50, 99]) * 1e3
        shown |= {f"{name}_p50_ms": float(p50), f"{name}_p99_ms": float(p99)}
    told = {"questions": questions, "documents_per_second": rate, "busy_processors": used}
    return {**told, **shown}


class Incoming(Thread):
    """Documents that come in again and again, each time as others, until it is ended."""

    def __init__(self, place: Path, vectors: np.ndarray[Any, np.dtype[np.float32]]) -> None:
        super().__init__(daemon=True)
        self.done = 0
        self._socket = DataDirectory(place / CLINIC).admin_socket
        self._vectors, self._ids, self._count = place / "new.npy", place / "new.ids", len(vectors)
        self._first, self._leaving = Event(), Event()
        self._error: Exception | None = None
        np.save(self._vectors, vectors)

    def begin(self) -> None:
        """Begin; the first documents are in when this returns."""
        self.start()
        if not self._first.wait(PATIENCE_S):
            raise RuntimeError("no document came in")
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Let the file that comes in be the last; raises what went wrong."""
        self._leaving.set()
        self.join()
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        """Bring one file in after the other."""
        try:
            for turn in itertools.count():
                if self._leaving.is_set():
                    return
                self._bring_in(turn)
        except (OperationError, NobodyListens) as error:
            self._error = error
            self._first.set()

    def _bring_in(self, turn: int) -> None:
        before = self.done
        self._ids.write_text("".join(f"new-{turn}-{row}\n" for row in range(self._count)))

        def counted(done: int, of: int | None, what: str) -> None:
            del of
            if what == "documents":
                self.done = before + done
                self._first.set()

        request = Ingest(
            collection=COLLECTION, file=self._vectors, format="npy", ids=self._ids, labels=(LABEL,)
        )
        call(self._socket, "collection.ingest", request, counted)
