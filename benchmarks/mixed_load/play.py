"""The hour itself: all act at once, memory is watched, and the outcome is judged.

The rule of this file: what is judged is the same for an hour and for five minutes; only how often
keys are rotated and partners flap follows from how long it takes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from benchmarks.mixed_load.actors import Asker, Flapper, Ingester, Record, Rotator
from benchmarks.mixed_load.founding import found
from benchmarks.mixed_load.memory import FLAT, Memory
from benchmarks.one_node.founding import CLINIC, LAB
from benchmarks.one_node.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.one_node.synthetic import Shape

SAMPLES = 400
"""Readings of memory in the whole time."""
ROTATIONS, FLAPS = 12, 30
"""Within an hour or within five minutes, but no faster than every few seconds."""
PATIENCE_S = 60.0
SAID_EVERY_S = 60.0


@dataclass(frozen=True)
class Play:
    """Where, with how many documents, how long, and how many ask at once."""

    folder: Path
    shape: Shape
    seconds: float
    askers: int


@dataclass(frozen=True)
class Outcome:
    """What happened how often, what was not stated, and each node's memory (`Memory.told`)."""

    seconds: float
    counts: dict[str, int]
    errors: list[str]
    memory: dict[str, dict[str, float]]

    @property
    def well(self) -> bool:
        """Whether memory was flat, everything happened, and nothing that was not stated."""
        acted = all(self.counts.get(what) for what in ("questions", "ingestions", "rotations"))
        flat = all(one["rise"] <= FLAT for one in self.memory.values())
        return acted and flat and not self.errors

    def told(self) -> dict[str, Any]:
        """The same for programs."""
        return {**asdict(self), "well": self.well}


def play(wanted: Play) -> Outcome:
    """Found three nodes and let all act; returns what came of it."""
    wanted.folder.mkdir(parents=True)
    asyncio.run(found(wanted.folder, wanted.shape))
    record, over = Record(), Event()
    memories = dict[str, Memory]()
    flapper = Flapper(wanted.folder, record, over, max(2.0, wanted.seconds / FLAPS))
    actors = [
        Ingester(wanted.folder, record, over, wanted.shape),
        Rotator(wanted.folder, record, over, max(5.0, wanted.seconds / ROTATIONS)),
        *(Asker(wanted.folder, record, over, wanted.shape, n) for n in range(wanted.askers)),
        flapper,
    ]
    with ExitStack() as stack:
        for name in (CLINIC, LAB):
            memories[name] = Memory(stack.enter_context(serving(wanted.folder, name)))
        began = time.monotonic()
        for actor in actors:
            actor.start()
        try:
            _watch(began, wanted.seconds, record, memories)
        finally:
            over.set()
            for actor in actors:
                actor.join(PATIENCE_S)
            flapper.close()
    told = {name: memory.told() for name, memory in memories.items()}
    return Outcome(time.monotonic() - began, dict(record.counts), record.errors, told)


def _watch(began: float, seconds: float, record: Record, memories: dict[str, Memory]) -> None:
    """Sample memory until the time is up, and say now and then how far it is."""
    said = began
    while (now := time.monotonic()) < began + seconds:
        for memory in memories.values():
            memory.sample()
        if now - said >= SAID_EVERY_S:
            said = now
            sizes = ", ".join(f"{n} {m.resident[-1] / 1e6:.0f} MB" for n, m in memories.items())
            minutes = f"{(now - began) / 60:.0f} of {seconds / 60:.0f} minutes"
            asked = f"{record.counts['questions']:,} questions, {len(record.errors)} errors"
            print(f"{minutes}: {asked}; {sizes}", file=sys.stderr, flush=True)
        time.sleep(seconds / SAMPLES)
