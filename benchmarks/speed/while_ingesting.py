"""(g) Latency of questions while documents come in at full speed, beside the idle node.

The rule of this file: the node that is asked and the node that takes documents in is one running
process, as in production: the questions come over HTTP, the documents through the admin socket as
`interlingua collection ingest` sends them, and both have the machine to share with the load. While
questions are asked documents come in: a command ends only when its documents are indexed, so the
next file begins when the former's documents are in, and a run without any gives no figure.
"""

from __future__ import annotations

import itertools
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.one_node.asking import QUESTIONS, note
from benchmarks.one_node.founding import CLINIC, COLLECTION, LABEL
from benchmarks.one_node.load import Job, run
from benchmarks.one_node.processes import one_process
from benchmarks.one_node.serving import cpu_seconds, serving
from node.cli.admin_client import call
from node.data_directory import DataDirectory
from node.operations.collections import Ingest

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.one_node.asking import Node
    from benchmarks.one_node.kept import Kept

STREAM = 50
"""Stream of the synthetic world that new documents come from."""
NEW = 20_000
"""New documents in one file, at most; once they are in they come in again with other ids.

Files under way when nobody asks any more are waited for: the node is idle only after that."""
PATIENCE_S = 60.0


def measure(node: Node, place: Path, questions: int, k: int, kept: Kept) -> dict[str, Any]:
    """Ask one client's `questions` of a copy of the node at `place` while it is busy.

    Half as many before and after that of the idle one, so that drift hits both alike.
    """
    given = {"shape": asdict(node.world.shape), "questions": questions, "k": k, "new": NEW}
    found: dict[str, Any] = kept.figure(
        "throughout", given, lambda: _measured(node, place, questions, k)
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

        def asked(number: int, count: int, state: str) -> list[float]:
            note(f"while ingesting: {count} questions of the {state} node")
            stream = QUESTIONS + number
            vectors = world.seen(world.meanings(count, stream), width, stream)
            outcome = load.submit(run, Job(place, route, vectors, 1, k, 1)).result()
            if outcome.refused:
                raise RuntimeError(f"{outcome.refused} of {count} questions were refused")
            return outcome.latencies

        with serving(place) as pid:
            idle, half = asked(1, questions - questions // 2, "idle"), questions // 2
            incoming.begin()
            began, before, cpu = time.perf_counter(), incoming.done, cpu_seconds(pid)
            busy, rounds = list[float](), itertools.count(3)
            while not busy or (incoming.comes and incoming.done == before):
                busy += asked(next(rounds), questions, "busy")
                if time.perf_counter() - began > PATIENCE_S:
                    break
            took, cpu_after = time.perf_counter() - began, cpu_seconds(pid)
            came = incoming.done - before
            incoming.end()
            if not came:
                raise RuntimeError(
                    f"no document came in while {len(busy)} questions were asked in {took:.1f} s: "
                    f"see {CLINIC}.log in {place}"
                )
            idle += asked(2, half, "idle")
    shutil.rmtree(place)
    used = None if cpu is None or cpu_after is None else (cpu_after - cpu) / took
    shown = dict[str, float]()
    for name, latencies in (("idle", idle), ("busy", busy)):
        p50, p99 = np.percentile(latencies, [50, 99]) * 1e3
        shown |= {f"{name}_p50_ms": float(p50), f"{name}_p99_ms": float(p99)}
    told = {"questions": len(busy), "documents_per_second": came / took, "busy_processors": used}
    return {**told, **shown}


class Incoming(Thread):
    """Documents that come in again and again, each time as others, until it is ended."""

    def __init__(self, place: Path, vectors: np.ndarray[Any, np.dtype[np.float32]]) -> None:
        super().__init__(daemon=True)
        self._socket = DataDirectory(place / CLINIC).admin_socket
        self._place, self._vectors, self._count = place, place / "new.npy", len(vectors)
        self._in: dict[int, int] = {}  # by file
        self._first, self._leaving = Event(), Event()
        self._error: Exception | None = None
        np.save(self._vectors, vectors)

    @property
    def done(self) -> int:
        """How many documents are in."""
        return sum(list(self._in.values()))

    @property
    def comes(self) -> bool:
        """Whether more come."""
        return not self._leaving.is_set()

    def begin(self) -> None:
        """Begin; the first documents are in when this returns."""
        self.start()
        if not self._first.wait(PATIENCE_S):
            raise RuntimeError(f"no document came in within {PATIENCE_S:.0f} s")
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Let the files that come in be the last; raises what went wrong."""
        self._leaving.set()
        self.join()
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        """Bring one file in after the other; the former may still be indexed meanwhile."""
        with ThreadPoolExecutor() as calls:
            for turn in itertools.count():
                if self._leaving.is_set():
                    return
                whole = Event()
                calls.submit(self._bring_in, turn, whole)
                whole.wait()

    def _bring_in(self, turn: int, whole: Event) -> None:
        """Bring in one file; `whole` is set once its documents are in, or it failed."""
        ids = self._place / f"new-{turn}.ids"
        ids.write_text("".join(f"new-{turn}-{row}\n" for row in range(self._count)))

        def counted(done: int, of: int | None, what: str) -> None:
            if what == "documents":
                self._in[turn] = done
                self._first.set()
                if done == of:
                    whole.set()

        request = Ingest(
            collection=COLLECTION, file=self._vectors, format="npy", ids=ids, labels=(LABEL,)
        )
        try:
            call(self._socket, "collection.ingest", request, counted)
        except Exception as error:  # whatever it is, `end` raises it
            self._error = error
            self._leaving.set()
            self._first.set()
        finally:
            whole.set()
