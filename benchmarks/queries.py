"""How many questions a second one node answers, and how fast, beside bare hnswlib in the same run.

    python -m benchmarks.queries [--documents 60000] [--clients 1,16,32] [--requests 2000] [--json]

A clinic runs `interlingua serve` with everything on: verification, grants, disclosure, the durable
log, receipts, signed answers. A lab asks it from another process, first with the clinic's own model
(nothing is mapped), then with a narrower model through a shared space (both sides map). All figures
of one run share the machine, the vectors and the graph. Nothing here is asserted in a test.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adapters.metrics import top_k
from benchmarks.one_node import bare
from benchmarks.one_node.founding import (
    CLINIC,
    COLLECTION,
    DOCUMENTS,
    LAB,
    Route,
    found,
    opened,
)
from benchmarks.one_node.load import Job, Outcome, run
from benchmarks.one_node.serving import cpu_seconds, serving
from benchmarks.one_node.synthetic import Shape, World
from node.config import Log
from node.index.settings import IndexSettings
from node.logging import configure

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUESTIONS = 100
"""Streams of the synthetic world from this number on are questions, one stream a run."""


@dataclass(frozen=True)
class Run:
    """One run of one route: `node_ms` is the node's processor time a question, all threads."""

    route: str
    clients: int
    per_second: float
    p50_ms: float
    p99_ms: float
    node_ms: float | None
    load_share: float
    recall: float
    verified: int
    short: int


@dataclass(frozen=True)
class Plan:
    """What is measured: `requests` in each of `rounds`, per route and number of clients."""

    clients: tuple[int, ...]
    requests: int
    rounds: int
    k: int
    verified: int


def measure(shape: Shape, plan: Plan, folder: Path) -> dict[str, Any]:
    """Found both organisations below `folder`, and measure."""
    world = World(shape)
    note(f"preparing {shape.documents} documents and two organisations")
    routes = asyncio.run(found(folder, world, free_port()))
    documents = world.seen(world.meanings(shape.documents, DOCUMENTS), shape.dimension, DOCUMENTS)
    index = bare.load(folder, shape.dimension)
    questions = world.seen(world.meanings(plan.requests, QUESTIONS), shape.dimension, QUESTIONS)
    nearest = top_k(questions[: plan.verified], documents, plan.k)
    threads = IndexSettings().search_threads
    note("bare hnswlib, before the node")
    before = bare.measure(index, questions, nearest, threads)
    with serving(folder) as pid:
        done = list(_runs(world, plan, routes, folder, pid))
    note("bare hnswlib, after the node")
    after = bare.measure(index, questions, nearest, threads)
    runs = asyncio.run(_judged(done, documents, world, folder, plan.k))
    return {
        "machine": machine(),
        "shape": asdict(shape),
        "index": asdict(IndexSettings()),
        "plan": asdict(plan),
        "bare": _both(asdict(before), asdict(after)),
        "node": [asdict(one) for one in _middle(runs)],
    }


@dataclass(frozen=True)
class _Done:
    route: Route
    clients: int
    stream: int
    outcome: Outcome
    node_cpu_s: float | None


def _runs(world: World, plan: Plan, routes: list[Route], folder: Path, pid: int) -> Any:
    """Yield every run; rounds go through all routes and clients, so that drift hits all alike."""
    stream = QUESTIONS
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as load:
        for number in range(plan.rounds):
            for route in routes:
                for clients in plan.clients:
                    note(f"round {number + 1}: {route.name}, {clients} clients")
                    meanings = world.meanings(plan.requests, stream)
                    questions = world.seen(meanings, route.width, stream)
                    job = Job(folder, route, questions, clients, plan.k, plan.verified)
                    cpu = cpu_seconds(pid)
                    outcome = load.submit(run, job).result()
                    after = cpu_seconds(pid)
                    used = None if cpu is None or after is None else after - cpu
                    yield _Done(route, clients, stream, outcome, used)
                    stream += 1


async def _judged(
    done: list[_Done], documents: NDArray[np.float32], world: World, folder: Path, k: int
) -> list[Run]:
    """Resolve the sampled references at the clinic, and compare with the true nearest documents.

    Truth is what the clinic's own model finds exactly for the same meaning.
    """
    async with opened(folder, CLINIC) as clinic:
        collection = clinic.collections.get(COLLECTION)

        def row(reference: str) -> int:
            key, _ = clinic.references.resolve(LAB, COLLECTION, reference)
            return int(collection.external_id(key) or -1)

        runs = []
        for one in done:
            sample = one.outcome.references
            count = len(one.outcome.latencies)
            asked = world.seen(world.meanings(count, one.stream), documents.shape[1], one.stream)
            nearest = top_k(asked[sorted(sample)], documents, k)
            answers = [[row(ref) for ref in sample[number]] for number in sorted(sample)]
            runs.append(_run_of(one, answers, nearest))
        return runs


def _run_of(one: _Done, answers: list[list[int]], nearest: NDArray[np.int64]) -> Run:
    outcome, count = one.outcome, len(one.outcome.latencies)
    if outcome.refused:
        raise RuntimeError(f"{outcome.refused} of {count} questions were refused")
    p50, p99 = np.percentile(outcome.latencies, [50, 99]) * 1e3
    return Run(
        one.route.name,
        one.clients,
        count / outcome.seconds,
        float(p50),
        float(p99),
        None if one.node_cpu_s is None else one.node_cpu_s / count * 1e3,
        outcome.own_cpu_s / outcome.seconds,
        bare.recall(answers, nearest),
        len(answers),
        sum(len(answer) < nearest.shape[1] for answer in answers),
    )


def _middle(runs: list[Run]) -> list[Run]:
    """Of the rounds of each route and number of clients, the one with the median rate."""
    groups: dict[tuple[str, int], list[Run]] = {}
    for one in runs:
        groups.setdefault((one.route, one.clients), []).append(one)
    return [
        sorted(group, key=lambda one: one.per_second)[len(group) // 2] for group in groups.values()
    ]


def _both(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """The mean of what was measured before and after the node."""
    return {name: (before[name] + after[name]) / 2 for name in before}


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {
            name: version(name)
            for name in ("interlingua", "hnswlib", "numpy", "aiohttp", "cryptography", "uvloop")
        },
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def table(figures: dict[str, Any]) -> str:
    """The figures for people."""
    plain, shape = figures["bare"], figures["shape"]
    lines = [
        f"{figures['machine']['processor']}, {figures['machine']['cores']} cores, "
        f"load {figures['machine']['load']:.1f}, Python {figures['machine']['python']}, "
        + ", ".join(f"{name} {number}" for name, number in figures["machine"]["versions"].items()),
        f"{shape['documents']} documents of {shape['dimension']} dimensions (intrinsic "
        f"{shape['intrinsic']}), k {figures['plan']['k']}, ef {figures['index']['ef']}",
        "",
        f"{'':26}{'q/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'recall':>8}{'node CPU ms':>13}"
        f"{'load CPU':>10}{'of bare':>9}",
        f"{'hnswlib, one by one':26}{plain['single']:9.0f}{plain['median_us'] / 1e3:9.2f}"
        f"{'':9}{plain['recall']:8.3f}",
        f"{'hnswlib, batches':26}{plain['batched']:9.0f}",
        f"{'hnswlib, batches, threads':26}{plain['batched_all']:9.0f}",
    ]
    for one in figures["node"]:
        name = f"{one['route']}, {one['clients']} clients"
        used = f"{one['node_ms']:13.2f}" if one["node_ms"] is not None else f"{'':13}"
        lines.append(
            f"{name:26}{one['per_second']:9.0f}{one['p50_ms']:9.2f}{one['p99_ms']:9.2f}"
            f"{one['recall']:8.3f}{used}{one['load_share']:10.0%}"
            f"{one['per_second'] / plain['single']:9.3f}"
        )
    return "\n".join(lines)


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def note(line: str) -> None:
    """Say on standard error what goes on."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for each in fields(Shape):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=int, default=each.default)
    parser.add_argument("--clients", default="1,16,32", help="numbers of clients")
    parser.add_argument("--requests", type=int, default=2_000, help="per run")
    parser.add_argument("--rounds", type=int, default=3, help="the median round is shown")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--verified", type=int, default=200, help="answers checked per run")
    parser.add_argument("--folder", type=Path, help="where the nodes lie (default: temporary)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    configure(Log(level="warning", format="text"))  # standard output is for figures
    shape = Shape(**{each.name: getattr(options, each.name) for each in fields(Shape)})
    clients = tuple(int(number) for number in options.clients.split(","))
    plan = Plan(clients, options.requests, options.rounds, options.k, options.verified)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = measure(shape, plan, Path(folder))
    print(json.dumps(figures) if options.json else table(figures))


if __name__ == "__main__":
    main()
