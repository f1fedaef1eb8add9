"""(e) Where the time of one question goes: stage by stage, one question at a time, without HTTP.

    python -m benchmarks.speed --only stages

The rule of this file: the stages are taken inside the responder that a node runs, by timing the
functions named in `STAGES` where they stand; what they call of one another is counted once, in the
inner one. What is left of the whole, hops between threads and the glue, is `rest`.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sqlite3
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.one_node.founding import CLINIC, LAB, Route, opened
from benchmarks.one_node.load import Job, ask
from keys.keyfile import read_key
from node.data_directory import DataDirectory
from node.federation.peers import PeerBook
from protocol.accept_query import RawRequest
from protocol.root import authority_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.one_node.synthetic import Floats
    from node.node import Node

STAGES: dict[str, tuple[str, ...]] = {
    "parse": (
        "protocol.accept_query:_read_head",
        "protocol.accept_query:_read_signature",
        "protocol.query_message:Query.parse",
    ),
    "verify": ("protocol.accept_query:verify",),
    "accept": (
        "node.federation.responder:accept",
        "node.federation.admission:Admission.admit",
        "node.federation.answering:permit",
        "node.federation.answering:route",
    ),
    "adapt": ("node.federation.routing:Inbound.carried",),
    "search": ("node.index.collection_index:CollectionIndex.search",),
    "re-score": ("node.federation.scoring:score", "node.federation.scoring:_as_found"),
    "disclose": (
        "node.federation.disclosing:disclose_all",
        "node.federation.answering:disclosed_answer",
    ),
    "sign": ("node.federation.replies:Replies.with_receipt",),
}
"""Functions of each stage, as `module:name`, where the caller finds them. `commit` is not among
them: it is the time from handing an entry to the log until its receipt is there."""

COMMIT = "node.audit.log:AuditLog.submit"
WARM_UP = 20
RAW = 200
"""Repetitions of each raw primitive."""


class StageGone(Exception):
    """A function that a stage is made of is no longer where `STAGES` says."""


class _Inner(threading.local):
    """What stages inside the one that runs have taken, in each thread."""

    seconds = 0.0
    cpu = 0.0


class Clock:
    """Seconds by stage, own time only: a stage inside another is taken from it.

    `cpu` is the processor time of the same, which a busy machine changes less.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._inner = _Inner()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed as part of a stage."""

        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            inner = self._inner
            seconds, cpu = inner.seconds, inner.cpu
            inner.seconds = inner.cpu = 0.0
            began, began_cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                whole_cpu = time.thread_time() - began_cpu
                whole = time.perf_counter() - began
                self.seconds[stage] += whole - inner.seconds
                self.cpu[stage] += whole_cpu - inner.cpu
                inner.seconds, inner.cpu = seconds + whole, cpu + whole_cpu

        return run

    def until_done(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed until the future that it returns is done."""

        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            future = function(*arguments, **named)

            def done(_: object) -> None:
                self.seconds[stage] += time.perf_counter() - began

            future.add_done_callback(done)
            return future

        return run


def measure(folder: Path, route: Route, questions: Floats, k: int) -> dict[str, Any]:
    """Return microseconds a question by stage, for `questions` (n, d) one after the other."""
    return asyncio.run(_measure(folder, route, questions, k))


async def _measure(folder: Path, route: Route, questions: Floats, k: int) -> dict[str, Any]:
    requests = _requests(folder, route, questions, k)
    warm_up = min(WARM_UP, len(requests) // 2)
    clock = Clock()
    async with opened(folder, CLINIC) as node:
        await node.start()
        await _answered(node, requests[:warm_up])
        with _in_place(clock):
            began, cpu = time.perf_counter(), time.process_time()
            await _answered(node, requests[warm_up:])
            whole, cpu = time.perf_counter() - began, time.process_time() - cpu
    count = len(requests) - warm_up
    stages = {stage: clock.seconds[stage] / count * 1e6 for stage in [*STAGES, "commit"]}
    return {
        "route": route.name,
        "questions": count,
        "whole_us": whole / count * 1e6,
        "cpu_us": cpu / count * 1e6,
        "stages_cpu_us": {stage: clock.cpu[stage] / count * 1e6 for stage in STAGES},
        "stages_us": {**stages, "rest": whole / count * 1e6 - sum(stages.values())},
    }


async def _answered(node: Node, requests: list[RawRequest]) -> None:
    for request in requests:
        answer = await node.responder.answer(request, "127.0.0.1")
        if answer.status != 200:
            raise RuntimeError(f"the node refused: {answer.body[:300]!r}")


def _requests(folder: Path, route: Route, questions: Floats, k: int) -> list[RawRequest]:
    lab = DataDirectory(folder / LAB)
    authority = authority_of(PeerBook.open(lab.peers).get(CLINIC).url)
    signer = read_key(lab.key_file("sign"), None)
    job = Job(folder, route, questions, 1, k, 0)
    made = []
    for number in range(job.requests):
        request = ask(job, number, signer, authority).request
        fields = (("Host", authority), *request.headers)
        headers = tuple((name.encode(), value.encode()) for name, value in fields)
        made.append(RawRequest(request.method, authority, request.path, "", headers, request.body))
    return made


@contextmanager
def _in_place(clock: Clock) -> Iterator[None]:
    """Time every stage's functions where they stand."""
    with ExitStack() as stack:
        for stage, places in STAGES.items():
            for place in places:
                stack.enter_context(_replaced(place, lambda f, s=stage: clock.timed(s, f)))
        stack.enter_context(_replaced(COMMIT, lambda f: clock.until_done("commit", f)))
        yield


def _replaced(place: str, timed: Callable[..., Any]) -> Any:
    module, _, name = place.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, last = name.split(".")
    try:
        for each in outer:
            owner = getattr(owner, each)
        found = owner.__dict__[last]
    except (AttributeError, KeyError):
        raise StageGone(f"{place} is gone: say in {__name__} where its work is done now") from None
    if isinstance(found, classmethod):
        return patch.object(owner, last, classmethod(timed(found.__func__)))
    return patch.object(owner, last, timed(found))


def primitives(folder: Path, search_us: float) -> dict[str, float]:
    """Return microseconds of what no node can do without, raw; `folder` is on the log's disk.

    One signature checked and one made (Ed25519, 400 bytes), one SQLite transaction of 4 KiB with
    synchronous=FULL in WAL mode, and the bare search that was measured beside it.
    """
    key, message = Ed25519PrivateKey.generate(), os.urandom(400)
    signature, public = key.sign(message), key.public_key()
    with tempfile.TemporaryDirectory(dir=folder) as place:
        database = sqlite3.connect(Path(place) / "raw.db", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE entries (body BLOB)")
        body = os.urandom(4096)
        found = {
            "verify": _median_us(lambda: public.verify(signature, message)),
            "search": search_us,
            "commit": _median_us(
                lambda: database.execute("INSERT INTO entries VALUES (?)", (body,))
            ),
            "sign": _median_us(lambda: key.sign(message)),
        }
        database.close()
    return {**found, "sum": sum(found.values())}


def _median_us(act: Callable[[], object]) -> float:
    seconds = []
    for _ in range(RAW):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds)) * 1e6
