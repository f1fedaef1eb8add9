"""(f) One question to many partners: what each more costs the asker, and who holds it up.

The rule of this file: partners are real nodes with keys, grants and logs of their own, all in one
other process, so that the asker's processor time is its own. Beside the healthy ones stand three
that are not: `slow` answers late, `hanging` takes the connection and says nothing, `failing` does
not listen.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

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
from benchmarks.one_node.machine import free_port
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
    from collections.abc import AsyncIterator
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from node.node import Node

HELD = 200
"""Documents of each partner: what is measured is asking, not searching."""
SLOW_S = 0.3
DEADLINE_S = 2.0
WARM_UP = 3
UNWELL = ("slow.example", "hanging.example", "failing.example")
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


@dataclass(frozen=True)
class Federation:
    """Where the nodes lie, who the healthy partners are, and where the slow one is relayed from."""

    folder: Path
    shape: Shape
    healthy: tuple[str, ...]
    relay_port: int
    slow_port: int
    hanging_port: int


def measure(folder: Path, shape: Shape, partners: tuple[int, ...], asked: int) -> dict[str, Any]:
    """Ask `asked` questions of each number of partners (two or more numbers, ascending).

    `folder` is emptied first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    healthy = tuple(f"partner-{number}.example" for number in range(max(partners)))
    few = Shape(**{**vars(shape), "documents": HELD})
    federation = Federation(folder, few, healthy, free_port(), free_port(), free_port())
    asyncio.run(_found(federation))
    spawn = get_context("spawn")
    up, stop = spawn.Event(), spawn.Event()
    process = spawn.Process(target=serve, args=(federation, up, stop))
    process.start()
    try:
        if not up.wait(600):
            raise RuntimeError("the partners did not start")
        runs = asyncio.run(_asked(federation, partners, asked))
    finally:
        stop.set()
        process.join()
    fewest, most = runs[0], runs[-1]
    more = most["partners"] - fewest["partners"]
    per_partner = (most["cpu_ms"] - fewest["cpu_ms"]) / more if more else None
    return {
        "deadline_s": DEADLINE_S,
        "slow_s": SLOW_S,
        "runs": runs,
        "cpu_ms_a_partner": per_partner,
    }


async def _found(federation: Federation) -> None:
    world, width = World(federation.shape), federation.shape.dimension
    create(federation.folder / LAB, LAB, 1)
    ports = {"slow.example": federation.relay_port, "hanging.example": federation.hanging_port}
    async with opened(federation.folder, LAB) as lab:
        lab.encoders.add("given", "caller", {}, envelope(width))
        for number, name in enumerate((*federation.healthy, *UNWELL)):
            listens = federation.slow_port if name == "slow.example" else None
            port = ports.get(name) or free_port()
            create(federation.folder / name, name, port, listens_at=listens)
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
        for name in (*federation.healthy, "slow.example"):
            await stack.enter_async_context(_partner(federation.folder, name))
        way = relayed(federation.relay_port, federation.slow_port, SLOW_S)
        await stack.enter_async_context(way)
        await stack.enter_async_context(silent_server(federation.hanging_port))
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
    federation: Federation, partners: tuple[int, ...], asked: int
) -> list[dict[str, Any]]:
    async with opened(federation.folder, LAB) as lab:
        await lab.start()
        runs = []
        for count in partners:
            names = federation.healthy[:count]
            well = await _run(lab, federation, names, asked)
            unwell = await _run(lab, federation, (*names, *UNWELL), WARM_UP)
            states = unwell.pop("states")
            runs.append({"partners": count, **well, "with_unwell": {**unwell, "states": states}})
        return runs


async def _run(
    lab: Node, federation: Federation, names: tuple[str, ...], asked: int
) -> dict[str, Any]:
    """Ask the same partners again and again; elapsed and own processor time a question."""
    world, width = World(federation.shape), federation.shape.dimension
    vectors = world.seen(world.meanings(WARM_UP + asked, 7), width, 7)
    seconds, result = [], None
    for number, vector in enumerate(vectors):
        if number == WARM_UP:
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
        "p50_ms": float(np.median(seconds[WARM_UP:])) * 1e3,
        "longest_ms": max(seconds[WARM_UP:]) * 1e3,
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
