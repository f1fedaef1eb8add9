"""What is measured, part by part.

The rule of this file: a part is one name and one function that gives a JSON object from figures
that are each kept on file, so that a run that was cut off goes on with the next one.
"""

from __future__ import annotations

import shutil
import time
import traceback
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from adapters.metrics import top_k
from benchmarks.one_node import bare
from benchmarks.one_node.asking import QUESTIONS, Node, measure, note
from benchmarks.one_node.founding import DOCUMENTS
from benchmarks.one_node.kept import Kept
from benchmarks.one_node.machine import machine
from benchmarks.one_node.synthetic import World
from benchmarks.speed import fan_out, ingestion, stages, while_ingesting
from benchmarks.speed.peers import asked
from benchmarks.speed.peers.chroma import Chroma
from benchmarks.speed.peers.pgvector import Pgvector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from benchmarks.one_node.synthetic import Floats
    from benchmarks.speed.plan import Plan

PEERS: dict[str, Callable[[Path], asked.Server]] = {"chroma": Chroma, "pgvector": Pgvector}
Figures = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """A plan and the folder in which nodes and figures lie, those of all plans."""

    plan: Plan
    folder: Path

    def run(self, parts: Iterable[str]) -> Figures:
        """Measure these parts, as far as they are not yet; returns them with machine and plan.

        A part that fails is said and left out, so that it does not cost the others.
        """
        parts, plan = list(parts), self.plan
        left = sum(plan.expected[part] for part in parts)
        note(f"{plan.name}: {', '.join(parts)}; about {_minutes(left)} if none of it is kept")
        found, failed = dict[str, Figures](), dict[str, str]()
        for number, part in enumerate(parts, start=1):
            expected = plan.expected[part]
            note(f"== {part} ({number} of {len(parts)}): about {_minutes(expected)}")
            began = time.perf_counter()
            try:
                found[part] = self._measured(part)
            except Exception as error:
                failed[part] = f"{type(error).__name__}: {error}"
                traceback.print_exc()
            left -= expected
            took = time.perf_counter() - began
            note(f"== {part}: {_minutes(took)}; about {_minutes(left)} to go")
        revisions = self.kept("").revisions()
        about = {"plan": asdict(plan), "machine": machine(), "revisions": revisions}
        return {**about, "parts": found, "failed": failed}

    def forget(self, parts: Iterable[str]) -> None:
        """Measure these parts anew, whatever plan measured them; the nodes stay."""
        for part in parts:
            self.kept("").forget([part])

    def kept(self, part: str) -> Kept:
        """Figures of a part."""
        return Kept(self.folder / "figures" / part)

    def _measured(self, part: str) -> Figures:
        if part.startswith("node-"):
            documents = int(part.removeprefix("node-"))
            asking = self.plan.asking(documents)
            return measure(self._node(documents), asking, self.kept(part))
        if part in PEERS:
            return self._peer(part)
        rest = {
            "stages": self._stages,
            "ingestion": self._ingestion,
            "while-ingesting": self._while_ingesting,
            "fan-out": self._fan_out,
        }
        return rest[part]()

    def _node(self, documents: int) -> Node:
        """(a), (b) and (c): single questions and batches, beside bare hnswlib."""
        shape = replace(self.plan.world, documents=documents)
        place = self.folder / "nodes" / f"{documents}-of-{shape.dimension}"
        place.mkdir(parents=True, exist_ok=True)
        return Node(shape, place)

    def _questions(self, world: World, width: int, stream: int) -> Floats:
        return world.seen(world.meanings(self.plan.staged, stream), width, stream)

    def _stages(self) -> Figures:
        """(e): where the time goes, and what the raw primitives take."""
        plan, kept = self.plan, self.kept("stages")
        node = self._node(plan.main)
        world, given = node.world, {"shape": asdict(node.world.shape), "staged": plan.staged}

        def search_us() -> float:
            asked = self._questions(world, world.shape.dimension, QUESTIONS)
            return bare.alone(node.graph(), asked, plan.k)[1]

        def staged(number: int) -> Figures:
            route, stream = node.routes()[number], QUESTIONS + number
            note(f"stages: {route.name}")
            questions = self._questions(world, route.width, stream)
            return stages.measure(node.folder, route, questions, plan.k)

        routes = [
            kept.figure(f"route-{number + 1}", given, partial(staged, number))
            for number in range(2)
        ]
        primitives = kept.figure(
            "primitives", given, lambda: stages.primitives(node.folder, search_us())
        )
        return {"routes": routes, "primitives_us": primitives}

    def _peer(self, part: str) -> Figures:
        """(d): what people use instead, or why it is not there."""
        plan, folder = self.plan, self.folder / "peers-data" / part
        world = World(replace(plan.world, documents=plan.main))
        dimension = world.shape.dimension
        documents = world.seen(world.meanings(plan.main, DOCUMENTS), dimension, DOCUMENTS)
        questions = world.seen(world.meanings(plan.questions, QUESTIONS), dimension, QUESTIONS)
        nearest = top_k(questions[: plan.verified], documents, plan.k)
        asking = asked.Asking(documents, questions, nearest, plan.clients, plan.rounds)
        server = PEERS[part](self.folder / "peers")
        try:
            return asked.measure(server, folder, asking, self.kept(part))
        except asked.NotThere as error:
            note(f"left out: {error}")
            shutil.rmtree(folder, ignore_errors=True)
            return {"left_out": str(error)}

    def _ingestion(self) -> Figures:
        """(g): documents a second, memory, disk, start."""
        plan, shape = self.plan, replace(self.plan.world, documents=self.plan.ingested)
        place = self.folder / "ingestion"
        return ingestion.measure(place, shape, plan.ingestions, self.kept("ingestion"))

    def _while_ingesting(self) -> Figures:
        """(g): latency of questions while documents come in at full speed."""
        plan = self.plan
        node, place = self._node(plan.main), self.folder / "while-ingesting"
        kept = self.kept("while-ingesting")
        return while_ingesting.measure(node, place, plan.while_ingesting, plan.k, kept)

    def _fan_out(self) -> Figures:
        """(f): many partners, and some that are not well."""
        plan, place = self.plan, self.folder / "fan-out" / str(max(self.plan.partners))
        return fan_out.measure(place, plan.world, plan.partners, plan.asked, self.kept("fan-out"))


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
