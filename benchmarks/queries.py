"""How many questions a second one node answers, and how fast, beside bare hnswlib in the same run.

    python -m benchmarks.queries [--documents 60000] [--clients 1,16,64] [--batches 8,64,256]
        [--questions 2048] [--json]

A clinic runs `interlingua serve` with everything on: verification, grants, disclosure, the durable
log, receipts, signed answers. A lab asks it from another process, first with the clinic's own model
(nothing is mapped), then with a narrower model through a shared space (both sides map), one
question a request and in signed batches. All figures of one run share the machine, the vectors and
the graph. Nothing here is asserted in a test.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
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
from benchmarks.one_node.machine import free_port, machine
from benchmarks.one_node.serving import cpu_seconds, serving
from benchmarks.one_node.synthetic import Shape, World
from benchmarks.one_node.table import table
from node.config import Log
from node.index.settings import IndexSettings
from node.logging import configure

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUESTIONS = 100
"""Streams of the synthetic world from this number on are questions, one stream a run."""


@dataclass(frozen=True)
class Run:
    """One run of one route: `node_ms` is the node's processor time a question, all threads.

    `per_second` are questions; p50 and p99 are of requests, which carry `batch` of them. `lowest`
    and `highest` are the rates of the slowest and fastest round.
    """

    route: str
    clients: int
    batch: int
    per_second: float
    lowest: float
    highest: float
    p50_ms: float
    p99_ms: float
    node_ms: float | None
    load_share: float
    recall: float
    verified: int
    short: int


@dataclass(frozen=True)
class Plan:
    """What is measured: `questions` in each of `rounds`, per route and way of asking.

    Each number of `clients` asks one by one, then `batch_clients` ask in each size of `batches`.
    """

    clients: tuple[int, ...]
    batches: tuple[int, ...]
    batch_clients: int
    questions: int
    rounds: int
    k: int
    verified: int

    def ways(self) -> list[tuple[int, int]]:
        """Numbers of clients and sizes of batches."""
        singly = [(clients, 1) for clients in self.clients]
        return singly + [(self.batch_clients, size) for size in self.batches]


def measure(shape: Shape, plan: Plan, folder: Path) -> dict[str, Any]:
    """Found both organisations below `folder`, and measure."""
    world = World(shape)
    note(f"preparing {shape.documents} documents and two organisations")
    routes = asyncio.run(found(folder, world, free_port()))
    documents = world.seen(world.meanings(shape.documents, DOCUMENTS), shape.dimension, DOCUMENTS)
    index = bare.load(folder, shape.dimension)
    questions = world.seen(world.meanings(plan.questions, QUESTIONS), shape.dimension, QUESTIONS)
    nearest = top_k(questions[: plan.verified], documents, plan.k)
    threads = IndexSettings().search_threads
    note("bare hnswlib, before the node")
    before = bare.measure(index, questions, nearest, threads, plan.batches)
    with serving(folder) as pid:
        done = list(_runs(world, plan, routes, folder, pid))
    note("bare hnswlib, after the node")
    after = bare.measure(index, questions, nearest, threads, plan.batches)
    runs = asyncio.run(_judged(done, documents, world, folder, plan))
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
    batch: int
    stream: int
    outcome: Outcome
    node_cpu_s: float | None


def _runs(world: World, plan: Plan, routes: list[Route], folder: Path, pid: int) -> Any:
    """Yield every run; rounds go through all routes and clients, so that drift hits all alike."""
    stream = QUESTIONS
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as load:
        for number in range(plan.rounds):
            for route in routes:
                for clients, batch in plan.ways():
                    note(f"round {number + 1}: {route.name}, {clients} clients, {batch} a request")
                    meanings = world.meanings(plan.questions, stream)
                    questions = world.seen(meanings, route.width, stream)
                    sample = max(1, plan.verified // batch)
                    job = Job(folder, route, questions, clients, plan.k, sample, batch)
                    cpu = cpu_seconds(pid)
                    outcome = load.submit(run, job).result()
                    after = cpu_seconds(pid)
                    used = None if cpu is None or after is None else after - cpu
                    yield _Done(route, clients, batch, stream, outcome, used)
                    stream += 1


async def _judged(
    done: list[_Done], documents: NDArray[np.float32], world: World, folder: Path, plan: Plan
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
            meanings = world.meanings(plan.questions, one.stream)
            asked = world.seen(meanings, documents.shape[1], one.stream)
            nearest = top_k(asked[sorted(sample)], documents, plan.k)
            answers = [[row(ref) for ref in sample[number]] for number in sorted(sample)]
            runs.append(_run_of(one, answers, nearest))
        return runs


def _run_of(one: _Done, answers: list[list[int]], nearest: NDArray[np.int64]) -> Run:
    outcome, requests = one.outcome, len(one.outcome.latencies)
    if outcome.refused:
        raise RuntimeError(f"{outcome.refused} of {requests} requests were refused")
    count = requests * one.batch
    rate = count / outcome.seconds
    p50, p99 = np.percentile(outcome.latencies, [50, 99]) * 1e3
    return Run(
        one.route.name,
        one.clients,
        one.batch,
        rate,
        rate,
        rate,
        float(p50),
        float(p99),
        None if one.node_cpu_s is None else one.node_cpu_s / count * 1e3,
        outcome.own_cpu_s / outcome.seconds,
        bare.recall(answers, nearest),
        len(answers),
        sum(len(answer) < nearest.shape[1] for answer in answers),
    )


def _middle(runs: list[Run]) -> list[Run]:
    """Of the rounds of each route and way of asking, the one with the median rate."""
    groups: dict[tuple[str, int, int], list[Run]] = {}
    for one in runs:
        groups.setdefault((one.route, one.clients, one.batch), []).append(one)
    found = []
    for group in groups.values():
        ordered = sorted(group, key=lambda one: one.per_second)
        lowest, highest = ordered[0].per_second, ordered[-1].per_second
        found.append(replace(ordered[len(group) // 2], lowest=lowest, highest=highest))
    return found


def _both(before: Any, after: Any) -> Any:
    """The mean of what was measured before and after the node, number by number."""
    if isinstance(before, dict):
        return {name: _both(before[name], after[name]) for name in before}
    return before if before == after else (before + after) / 2


def numbers(text: str) -> tuple[int, ...]:
    """Read numbers between commas."""
    return tuple(int(number) for number in text.split(","))


def note(line: str) -> None:
    """Say on standard error what goes on."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for each in fields(Shape):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=int, default=each.default)
    parser.add_argument("--clients", default="1,16,64", help="numbers of clients")
    parser.add_argument("--batches", default="8,64,256", help="questions in a signed request")
    parser.add_argument("--batch-clients", type=int, default=4, help="clients that ask in batches")
    parser.add_argument("--questions", type=int, default=2_048, help="per run")
    parser.add_argument("--rounds", type=int, default=3, help="the median round is shown")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--verified", type=int, default=200, help="answers checked per run")
    parser.add_argument("--folder", type=Path, help="where the nodes lie (default: temporary)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    configure(Log(level="warning", format="text"))  # standard output is for figures
    shape = Shape(**{each.name: getattr(options, each.name) for each in fields(Shape)})
    plan = Plan(
        numbers(options.clients),
        numbers(options.batches),
        options.batch_clients,
        options.questions,
        options.rounds,
        options.k,
        options.verified,
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = measure(shape, plan, Path(folder))
    print(json.dumps(figures) if options.json else table(figures))


if __name__ == "__main__":
    main()
