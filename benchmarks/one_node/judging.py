"""What the sampled answers were worth: recall beside exact search, and rates over the rounds.

The rule of this file: references are resolved by their owner, while the node does not serve, and
truth is what the collection's own model finds exactly for the same meaning.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.one_node import bare
from benchmarks.one_node.founding import CLINIC, COLLECTION, LAB, opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.one_node import asking
    from benchmarks.one_node.founding import Route
    from benchmarks.one_node.kept import Kept
    from node.node import Node


@dataclass(frozen=True)
class Asked:
    """One way of asking in one round; `stream` is where its questions come from."""

    round: int
    route: Route
    clients: int
    batch: int
    stream: int

    @property
    def name(self) -> str:
        """What its figures are called."""
        route = self.route.name.replace(" ", "-")
        return f"{route}/{self.clients}-clients-{self.batch}-each/round-{self.round + 1}"

    def given(self, shape: Mapping[str, Any], plan: asking.Plan) -> dict[str, Any]:
        """What its figures depend on."""
        count = plan.asked(self.clients, self.batch)
        asked = {"questions": count, "k": plan.k, "verified": plan.verified}
        return {"shape": shape, **asked}


@dataclass(frozen=True)
class Run:
    """One way of asking: `node_ms` is the node's processor time a question, all threads.

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


Figures = dict[str, Any]


async def judged(
    node: asking.Node,
    done: Sequence[tuple[Asked, Figures]],
    k: int,
    kept: Kept,
    shape: Mapping[str, Any],
) -> list[Run]:
    """Resolve the sampled references at the clinic, and compare with the true nearest documents."""
    runs = []
    async with AsyncExitStack() as stack:
        clinic = None
        for asked, outcome in done:
            name = f"judged/{asked.name}"
            given = {"shape": shape, "k": k, "references": outcome["references"]}
            if clinic is None and not kept.has(name, given):
                clinic = await stack.enter_async_context(opened(node.folder, CLINIC))

            def found(
                asked: Asked = asked, outcome: Figures = outcome, clinic: Node | None = clinic
            ) -> Figures:
                return _judge(node, asked, outcome, k, clinic)

            runs.append(_run(asked, outcome, kept.figure(name, given, found)))
    return runs


def _judge(
    node: asking.Node, asked: Asked, outcome: Figures, k: int, clinic: Node | None
) -> Figures:
    """Recall of the sampled answers, and how many of them are short."""
    if clinic is None:
        raise RuntimeError("references are resolved by the node that made them")
    collection, references = clinic.collections.get(COLLECTION), clinic.references

    def row(reference: str) -> int:
        key, _ = references.resolve(LAB, COLLECTION, reference)
        return int(collection.external_id(key) or -1)

    sample = {int(number): refs for number, refs in outcome["references"].items()}
    world = node.world
    meanings = world.meanings(outcome["questions"], asked.stream)
    questions = world.seen(meanings, world.shape.dimension, asked.stream)
    nearest = node.nearest(questions[sorted(sample)], k)
    answers = [[row(ref) for ref in sample[number]] for number in sorted(sample)]
    short = sum(len(answer) < k for answer in answers)
    return {"recall": bare.recall(answers, nearest), "verified": len(answers), "short": short}


def _run(asked: Asked, outcome: Figures, judgement: Figures) -> Run:
    count = len(outcome["latencies"]) * asked.batch
    rate = count / outcome["seconds"]
    p50, p99 = np.percentile(outcome["latencies"], [50, 99]) * 1e3
    cpu = outcome["node_cpu_s"]
    return Run(
        route=asked.route.name,
        clients=asked.clients,
        batch=asked.batch,
        per_second=rate,
        lowest=rate,
        highest=rate,
        p50_ms=float(p50),
        p99_ms=float(p99),
        node_ms=None if cpu is None else cpu / count * 1e3,
        load_share=outcome["own_cpu_s"] / outcome["seconds"],
        **judgement,
    )


def summed_up(runs: Sequence[Run]) -> list[Figures]:
    """Of the rounds of each route and way of asking, the one with the median rate, and the span."""
    groups: dict[tuple[str, int, int], list[Run]] = {}
    for one in runs:
        groups.setdefault((one.route, one.clients, one.batch), []).append(one)
    found = []
    for group in groups.values():
        ordered = sorted(group, key=lambda one: one.per_second)
        span = {"lowest": ordered[0].per_second, "highest": ordered[-1].per_second}
        found.append({**asdict(ordered[len(group) // 2]), **span})
    return found
