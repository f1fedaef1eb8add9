"""One running node asked in rounds, beside bare hnswlib on its own graph.

The rule of this file: every round goes through bare hnswlib, all routes and all ways of asking, so
that drift of the machine hits all alike; each way of each round is a figure of its own on file, so
that a run that was cut off goes on with the next.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from adapters.metrics import top_k
from benchmarks.one_node import bare
from benchmarks.one_node.founding import DOCUMENTS, FOUNDED, found
from benchmarks.one_node.intrinsic import intrinsic_dimension
from benchmarks.one_node.judging import Asked, judged, summed_up
from benchmarks.one_node.load import Job, run
from benchmarks.one_node.machine import free_port
from benchmarks.one_node.processes import one_process
from benchmarks.one_node.serving import serving
from benchmarks.one_node.synthetic import Shape, World
from node.index.settings import IndexSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import ProcessPoolExecutor
    from pathlib import Path

    import hnswlib
    from numpy.typing import NDArray

    from benchmarks.one_node.founding import Route
    from benchmarks.one_node.kept import Kept
    from benchmarks.one_node.synthetic import Floats

QUESTIONS = 100
"""Streams of the synthetic world from this number on are questions, one stream a way and round."""

EACH = 4
"""Batches of each client in a round at least: with fewer, much of the time some do not ask."""

_ROUND, _ROUTE = 100_000, 10_000  # a stream by round, route, clients and batch


@dataclass(frozen=True)
class Plan:
    """What is measured: `questions` in each of `rounds`, per route and way of asking.

    Each number of `clients` asks one by one, then `batch_clients` ask in each size of `batches`,
    each of them `EACH` times at least. `routes`: the first so many of the ways into the space that
    is searched.
    """

    clients: tuple[int, ...]
    batches: tuple[int, ...]
    batch_clients: int
    questions: int
    rounds: int
    k: int
    verified: int
    routes: int = 2

    def ways(self) -> list[tuple[int, int]]:
        """Numbers of clients and sizes of batches."""
        singly = [(clients, 1) for clients in self.clients]
        return singly + [(self.batch_clients, size) for size in self.batches]

    def asked(self, clients: int, batch: int) -> int:
        """How many questions are asked so in a round."""
        return self.questions if batch == 1 else max(self.questions, EACH * clients * batch)


class Node:
    """A clinic with its documents that a lab may ask: founded once, opened and served on demand."""

    def __init__(self, shape: Shape, folder: Path) -> None:
        """`folder` is where both organisations lie, or will."""
        self.folder = folder
        self.world = World(shape)
        self.routes = cache(self._founded)
        self.documents = cache(self._documents)
        self.graph = cache(self._graph)

    def _founded(self) -> list[Route]:
        if not (self.folder / FOUNDED).exists():
            note(f"{self.folder.name}: founding two organisations, bringing the documents in")
        return asyncio.run(found(self.folder, self.world, free_port()))

    def _documents(self) -> Floats:
        world, shape = self.world, self.world.shape
        return world.seen(world.meanings(shape.documents, DOCUMENTS), shape.dimension, DOCUMENTS)

    def _graph(self) -> hnswlib.Index:
        self.routes()
        return bare.load(self.folder, self.world.shape.dimension)

    def nearest(self, questions: Floats, k: int) -> NDArray[Any]:
        """The true nearest rows (n, k) of questions (n, d), by looking at all."""
        return top_k(questions, self.documents(), k)


def measure(node: Node, plan: Plan, kept: Kept) -> dict[str, Any]:
    """Ask in every way of the plan; what is kept already is not asked again."""
    shape = asdict(node.world.shape)
    with ExitStack() as stack:
        pid = cache(lambda: stack.enter_context(serving(node.folder)))
        process = stack.enter_context(one_process())
        bares, done = [], list[tuple[Asked, dict[str, Any]]]()
        for number in range(plan.rounds):
            bares.append(_bare(node, plan, number, kept))
            for each in _ways(node, plan, number):
                asking = partial(_asked, node, plan, each, pid, process)
                done.append((each, kept.figure(each.name, each.given(shape, plan), asking)))
    runs = asyncio.run(judged(node, done, plan.k, kept, shape))
    dimension = partial(intrinsic_dimension, node)
    return {
        "shape": shape,
        "intrinsic_measured": kept.figure("intrinsic", {"shape": shape}, dimension),
        "index": asdict(IndexSettings()),
        "plan": asdict(plan),
        "bare": _mean(bares),
        "node": summed_up(runs),
    }


def _bare(node: Node, plan: Plan, number: int, kept: Kept) -> dict[str, Any]:
    """Bare hnswlib in this round, with as many threads as the node searches with."""
    threads = IndexSettings().search_threads
    given = {"shape": asdict(node.world.shape), "questions": plan.questions, "k": plan.k}
    given |= {"verified": plan.verified, "batches": plan.batches, "threads": threads}

    def measured() -> dict[str, Any]:
        note(f"round {number + 1}: bare hnswlib")
        world = node.world
        meanings = world.meanings(plan.questions, QUESTIONS)
        questions = world.seen(meanings, world.shape.dimension, QUESTIONS)
        nearest = node.nearest(questions[: plan.verified], plan.k)
        return asdict(bare.measure(node.graph(), questions, nearest, threads, plan.batches))

    found: dict[str, Any] = kept.figure(f"bare/round-{number + 1}", given, measured)
    return found


def _ways(node: Node, plan: Plan, number: int) -> Iterator[Asked]:
    for place, route in enumerate(node.routes()[: plan.routes]):
        for clients, batch in plan.ways():
            stream = QUESTIONS + _ROUND * (number + 1) + _ROUTE * place + 100 * clients + batch
            yield Asked(number, route, clients, batch, stream)


def _asked(
    node: Node, plan: Plan, each: Asked, pid: Callable[[], int], load: ProcessPoolExecutor
) -> dict[str, Any]:
    note(f"round {each.round + 1}: {each.route.name}, {each.clients} clients, {each.batch} each")
    count = plan.asked(each.clients, each.batch)
    meanings = node.world.meanings(count, each.stream)
    questions = node.world.seen(meanings, each.route.width, each.stream)
    sample = max(1, plan.verified // each.batch)
    job = Job(node.folder, each.route, questions, each.clients, plan.k, sample, each.batch, pid())
    outcome = load.submit(run, job).result()
    if outcome.refused:
        requests = len(outcome.latencies)
        raise RuntimeError(f"{outcome.refused} of {requests} requests were refused")
    return {**asdict(outcome), "questions": count}


def _mean(rounds: list[Any]) -> Any:
    """The mean of the rounds, number by number."""
    first = rounds[0]
    if isinstance(first, dict):
        return {name: _mean([each[name] for each in rounds]) for name in first}
    return first if len(set(rounds)) == 1 else sum(rounds) / len(rounds)


def note(line: str) -> None:
    """Say on standard error what goes on."""
    print(line, file=sys.stderr, flush=True)
