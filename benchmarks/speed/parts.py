"""What is measured, part by part.

The rule of this file: a part is one name and one function that gives a JSON object; a part that was
measured before, with the same plan, is not measured again.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from adapters.metrics import top_k
from benchmarks import queries
from benchmarks.one_node import bare
from benchmarks.one_node.founding import DOCUMENTS, found
from benchmarks.one_node.machine import free_port, machine
from benchmarks.one_node.synthetic import World
from benchmarks.speed import fan_out, ingestion, stages
from benchmarks.speed.peers import chroma, pgvector
from benchmarks.speed.peers.asked import Asking, NotThere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from benchmarks.speed.plan import Plan

PEERS = {"chroma": chroma.measure, "pgvector": pgvector.measure}


@dataclass(frozen=True)
class Bench:
    """A plan and the folder in which its nodes and its finished parts lie."""

    plan: Plan
    folder: Path

    def run(self, parts: Iterable[str]) -> dict[str, Any]:
        """Measure these parts; returns all that are there, with the machine and the plan."""
        for part in parts:
            kept = self._kept(part)
            if not kept.exists():
                queries.note(f"== {part}")
                figures = json.dumps(self._measured(part))
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(figures)
        done = [part for part in self.plan.parts if self._kept(part).exists()]
        return {
            "plan": asdict(self.plan),
            "machine": machine(),
            "parts": {part: json.loads(self._kept(part).read_text()) for part in done},
        }

    def forget(self, parts: Iterable[str]) -> None:
        """Measure these parts anew; the nodes stay."""
        for part in parts:
            self._kept(part).unlink(missing_ok=True)

    def _kept(self, part: str) -> Path:
        return self.folder / self.plan.name / "parts" / f"{part}.json"

    def _measured(self, part: str) -> dict[str, Any]:
        if part.startswith("node-"):
            return self._node(int(part.removeprefix("node-")))
        if part in PEERS:
            return self._peer(PEERS[part], self.folder / self.plan.name / part)
        rest = {
            "stages": self._stages,
            "ingestion": self._ingestion,
            "fan-out": self._fan_out,
        }
        return rest[part]()

    def _place(self, documents: int) -> Path:
        place = self.folder / self.plan.name / f"nodes-{documents}"
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _node(self, documents: int) -> dict[str, Any]:
        """(a), (b) and (c): single questions and batches, beside bare hnswlib."""
        shape = replace(self.plan.world, documents=documents)
        return queries.measure(shape, self.plan.asking(), self._place(documents))

    def _stages(self) -> dict[str, Any]:
        """(e): where the time goes, and what the raw primitives take."""
        plan = self.plan
        world, place = World(replace(plan.world, documents=plan.main)), self._place(plan.main)
        routes = asyncio.run(found(place, world, free_port()))
        found_by = []
        for number, route in enumerate(routes):
            stream = queries.QUESTIONS + number
            questions = world.seen(world.meanings(plan.staged, stream), route.width, stream)
            found_by.append(stages.measure(place, route, questions, plan.k))
        search_us = self._bare_search_us(world, place)
        return {"routes": found_by, "primitives_us": stages.primitives(place, search_us)}

    def _peer(
        self, measure: Callable[[Path, Path, Asking], dict[str, Any]], folder: Path
    ) -> dict[str, Any]:
        """(d): what people use instead, or why it is not there."""
        plan = self.plan
        world = World(replace(plan.world, documents=plan.main))
        dimension, stream = world.shape.dimension, queries.QUESTIONS
        documents = world.seen(world.meanings(plan.main, DOCUMENTS), dimension, DOCUMENTS)
        questions = world.seen(world.meanings(plan.questions, stream), dimension, stream)
        nearest = top_k(questions[: plan.verified], documents, plan.k)
        asking = Asking(documents, questions, nearest, plan.clients, plan.rounds)
        try:
            return measure(self.folder / "peers", folder, asking)
        except NotThere as error:
            queries.note(f"left out: {error}")
            return {"left_out": str(error)}
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _ingestion(self) -> dict[str, Any]:
        """(g): documents a second, memory, disk, start."""
        shape = replace(self.plan.world, documents=self.plan.main)
        return ingestion.measure(self.folder / self.plan.name / "ingestion", shape)

    def _fan_out(self) -> dict[str, Any]:
        """(f): many partners, and some that are not well."""
        plan, place = self.plan, self.folder / self.plan.name / "fan-out"
        return fan_out.measure(place, plan.world, plan.partners, plan.asked)

    def _bare_search_us(self, world: World, place: Path) -> float:
        dimension, stream = world.shape.dimension, queries.QUESTIONS
        asked = world.seen(world.meanings(self.plan.staged, stream), dimension, stream)
        index = bare.load(place, dimension)
        return bare.alone(index, asked, self.plan.k)[1]
