"""(f) One question to many partners: what each more costs the asker, and who holds it up.

The rule of this file: partners are real nodes with keys, grants and logs of their own, all in one
other process, so that the asker's processor time is its own. Beside the healthy ones stand three
that are not: `slow` answers late, `hanging` takes the connection and says nothing, `failing` does
not listen.
"""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import time
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import uvloop

from benchmarks.one_node.asking import note
from benchmarks.one_node.founding import (
    COLLECTION,
    DOCUMENTS,
    LAB,
    PURPOSE,
    create,
    envelope,
    opened,
    records,
    trust,
)
from benchmarks.one_node.machine import free_ports
from benchmarks.one_node.processes import fresh
from benchmarks.one_node.synthetic import Shape, World
from benchmarks.speed.relay import relayed, silent_server
from node.config import Log
from node.federation.ask import AskRequest, AskResult
from node.listeners.connections import Connections
from node.listeners.federation import federation_app
from node.listeners.listening import listening
from node.listeners.tls import server_context
from node.logging import configure
from node.metrics import Metrics
from node.operations.catalogue import find
from node.operations.policy import GrantFiles
from node.operations.registry import silent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from benchmarks.one_node.kept import Kept
    from node.node import Node

HELD = 200
"""Documents of each partner: what is measured is asking, not searching."""
SLOW_S = 0.3
DEADLINE_S = 2.0
WARM_UP = 3
UNWELL_ASKED = 3
"""Questions that go to partners that are not well too, each of which takes the whole deadline."""
SLOW, HANGING, FAILING = UNWELL = ("slow.example", "hanging.example", "failing.example")
BEHIND, FOUNDED = "behind", "founded.json"
GRANT = f"""\
peer = "{LAB}"
collection = "{COLLECTION}"
purposes = ["{PURPOSE}"]
labels = ["*"]
rate = 1000000
queries_per_day = 100000000
answers_per_record = 100000
near_duplicates_per_day = 4096
"""


Ask: TypeAlias = "Callable[[tuple[str, ...], int, int], dict[str, Any]]"
"""(partners, warm-up, questions) -> what came of it."""


@dataclass(frozen=True)
class Federation:
    """Where the nodes lie, who the healthy partners are, and where each is reached.

    `BEHIND` is where the slow one listens behind what delays it.
    """

    folder: Path
    shape: Shape
    healthy: tuple[str, ...]
    ports: dict[str, int]

    @classmethod
    def at(cls, folder: Path, shape: Shape, healthy: tuple[str, ...]) -> Federation:
        """Take the federation in a folder, with the ports that it was founded with."""
        names, founded = (*healthy, *UNWELL, BEHIND), folder / FOUNDED
        if founded.exists():
            ports = json.loads(founded.read_text())
        else:
            ports = dict(zip(names, free_ports(len(names)), strict=True))
        return cls(folder, shape, healthy, ports)


def measure(
    folder: Path, shape: Shape, partners: tuple[int, ...], asked: int, kept: Kept
) -> dict[str, Any]:
    """Ask `asked` questions of each number of partners (two or more numbers, ascending).

    What is kept is not measured again; the nodes in `folder` are founded once.
    """
    healthy = tuple(f"partner-{number}.example" for number in range(max(partners)))
    few = Shape(**{**vars(shape), "documents": HELD})
    given = {"shape": vars(few), "asked": asked, "slow_s": SLOW_S, "deadline_s": DEADLINE_S}
    given["founded"] = max(partners)
    federation = Federation.at(folder, few, healthy)
    with ExitStack() as stack:
        up = cache(lambda: stack.enter_context(_running(federation)))
        runs = []
        for count in partners:

            def asking(names: tuple[str, ...], warm_up: int, asked: int) -> dict[str, Any]:
                note(f"fan-out: {len(names)} partners")
                return up()(names, warm_up, asked)

            names = healthy[:count]
            well = kept.figure(f"{count}/well", given, partial(asking, names, WARM_UP, asked))
            every, some = (*names, *UNWELL), min(UNWELL_ASKED, asked)
            unwell = kept.figure(f"{count}/unwell", given, partial(asking, every, 0, some))
            runs.append({"partners": count, **well, "with_unwell": unwell})
    fewest, most = runs[0], runs[-1]
    more = most["partners"] - fewest["partners"]
    per_partner = (most["cpu_ms"] - fewest["cpu_ms"]) / more if more else None
    return {
        "deadline_s": DEADLINE_S,
        "slow_s": SLOW_S,
        "runs": runs,
        "cpu_ms_a_partner": per_partner,
    }


@contextmanager
def _running(federation: Federation) -> Iterator[Ask]:
    """Found the nodes if they are not there, run the partners in another process, and ask here."""
    whole = federation.folder / FOUNDED
    if not whole.exists():
        shutil.rmtree(federation.folder, ignore_errors=True)
        federation.folder.mkdir(parents=True)
        note(f"fan-out: {len(federation.healthy) + len(UNWELL)} partners are founded")
        asyncio.run(_found(federation))
        whole.write_text(json.dumps(federation.ports))
    processes = fresh()
    up, stop = processes.Event(), processes.Event()
    process = processes.Process(target=serve, args=(federation, up, stop))
    process.start()
    try:
        while not up.wait(1):
            if not process.is_alive():
                raise RuntimeError("the partners did not start")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as it is served
            opening = opened(federation.folder, LAB)
            lab = runner.run(opening.__aenter__())
            try:
                runner.run(lab.start())
                _settled()
                yield lambda *asked: runner.run(_asked(lab, federation.shape, *asked))
            finally:
                gc.unfreeze()
                runner.run(opening.__aexit__(None, None, None))
    finally:
        stop.set()
        process.join()


def _settled() -> None:
    """Let what was loaded until now be looked through no more, as `serve` does once it is up."""
    gc.collect()
    gc.freeze()


async def _found(federation: Federation) -> None:
    world, width = World(federation.shape), federation.shape.dimension
    create(federation.folder / LAB, LAB, 1)
    ports = federation.ports
    async with opened(federation.folder, LAB) as lab:
        lab.encoders.add("given", "caller", {}, envelope(width))
        for number, name in enumerate((*federation.healthy, *UNWELL)):
            listens = ports[BEHIND] if name == SLOW else None
            create(federation.folder / name, name, ports[name], listens_at=listens)
            async with opened(federation.folder, name) as partner:
                partner.encoders.add("given", "caller", {}, envelope(width))
                collection = await partner.collections.create(COLLECTION, "given")
                vectors = world.seen(world.meanings(HELD, 100 + number), width, DOCUMENTS)
                await collection.ingest(records(vectors), HELD, silent)
                for one, other in ((lab, partner), (partner, lab)):
                    await trust(one, other)
                given = GrantFiles(files={"lab.toml": GRANT})
                await find("policy.apply").handler(partner, given, silent)


def serve(federation: Federation, up: Event, stop: Event) -> None:
    """Run every partner in this process until told to stop."""
    configure(Log(level="error", format="text"))
    asyncio.run(_serve(federation, up, stop))


async def _serve(federation: Federation, up: Event, stop: Event) -> None:
    async with AsyncExitStack() as stack:
        for name in (*federation.healthy, SLOW):
            await stack.enter_async_context(_partner(federation.folder, name))
        ports = federation.ports
        await stack.enter_async_context(relayed(ports[SLOW], ports[BEHIND], SLOW_S))
        await stack.enter_async_context(silent_server(ports[HANGING]))
        _settled()
        up.set()
        await asyncio.to_thread(stop.wait)


@asynccontextmanager
async def _partner(folder: Path, name: str) -> AsyncIterator[None]:
    async with opened(folder, name) as node:
        await node.start()
        connections, where = Connections(256), node.settings.federation
        app = federation_app(node, Metrics(), connections)
        serving = listening("federation", app, connections, where, 1.0, server_context(where))
        async with serving:
            yield


async def _asked(
    lab: Node, shape: Shape, names: tuple[str, ...], warm_up: int, asked: int
) -> dict[str, Any]:
    """Ask the same partners again and again; elapsed and own processor time a question."""
    world, width = World(shape), shape.dimension
    vectors = world.seen(world.meanings(warm_up + asked, 7), width, 7)
    seconds, result, cpu = [], None, time.process_time()
    for number, vector in enumerate(vectors):
        if number == warm_up:
            cpu = time.process_time()
        began = time.perf_counter()
        result = await _ask(lab, vector.tolist(), names)
        seconds.append(time.perf_counter() - began)
    cpu = time.process_time() - cpu
    states = {silo.organisation: silo.state for silo in result.silos} if result else {}
    wrong = [name for name in names if name not in UNWELL and states.get(name) != "ok"]
    if wrong:
        raise RuntimeError(f"healthy partners did not answer: {', '.join(wrong)}")
    return {
        "questions": asked,
        "p50_ms": float(np.median(seconds[warm_up:])) * 1e3,
        "longest_ms": max(seconds[warm_up:]) * 1e3,
        "cpu_ms": cpu / asked * 1e3,
        "states": {name: states[name] for name in UNWELL if name in states},
    }


async def _ask(lab: Node, vector: list[float], names: tuple[str, ...]) -> AskResult:
    request = AskRequest(
        vectors=[vector], purpose=PURPOSE, k=10, own=False, peers=list(names), select=0,
        deadline_s=DEADLINE_S,
    )  # fmt: skip
    answer = await find("query").handler(lab, request, silent)
    if not isinstance(answer, AskResult):
        raise TypeError("a question gives a result")
    return answer
