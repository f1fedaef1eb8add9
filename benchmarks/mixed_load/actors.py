"""Those who act at once: askers, one who brings documents in, one who rotates keys, one who flaps.

The rule of this file: each is a thread that speaks to a running node as its own people do, through
the admin socket, until the end; whatever is not stated beforehand to be refused so is an error.
"""

from __future__ import annotations

import itertools
import signal
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.mixed_load.founding import FLAPPING, documents
from benchmarks.one_node.founding import CLINIC, COLLECTION, LAB, LABEL, PURPOSE
from benchmarks.one_node.serving import ended, started
from benchmarks.one_node.synthetic import Shape, World
from node.cli.admin_client import call
from node.data_directory import DataDirectory
from node.federation.ask import AskRequest, AskResult
from node.operations.collections import Ingest
from node.operations.keys import Rotate
from node.operations.registry import silent

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from pydantic import BaseModel

DEADLINE_S = 10.0
STATED = {
    CLINIC: {"ok", "error busy"},
    FLAPPING: {"ok", "error busy", "timeout", "unreachable"},
}
"""What may become of a question, by partner: state and, where one is told, code."""


@dataclass
class Record:
    """What came of everything so far; shared by all threads."""

    counts: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def count(self, what: str) -> None:
        """Something happened as it may."""
        with self._lock:
            self.counts[what] += 1

    def error(self, what: str) -> None:
        """Something happened that nobody stated."""
        with self._lock:
            self.errors.append(what)


class Actor(Thread, ABC):
    """One of them; `act` is done again and again until `over`."""

    def __init__(self, folder: Path, record: Record, over: Event) -> None:
        super().__init__(daemon=True)
        self.folder, self.record, self.over = folder, record, over

    def run(self) -> None:
        """Act until the end; an error is written down, and the next turn taken."""
        for turn in itertools.count():
            if self.over.is_set():
                return
            try:
                self.act(turn)
            except Exception as error:  # whatever it is, it was not stated
                self.record.error(f"{type(self).__name__}: {error!r}")
                self.over.wait(1)

    @abstractmethod
    def act(self, turn: int) -> None:
        """Do it once."""

    def tell(self, name: str, operation: str, request: BaseModel) -> dict[str, object]:
        """Run an operation on a running node."""
        return call(DataDirectory(self.folder / name).admin_socket, operation, request, silent)


class Asker(Actor):
    """Asks both partners of the lab, one question after the other."""

    def __init__(
        self, folder: Path, record: Record, over: Event, shape: Shape, number: int
    ) -> None:
        super().__init__(folder, record, over)
        world = World(shape)
        self._questions = world.seen(world.meanings(1_000, 100 + number), shape.dimension, number)

    def act(self, turn: int) -> None:
        """Ask, and see what became of it at each partner."""
        vector = self._questions[turn % len(self._questions)]
        request = AskRequest(
            vectors=(vector.tolist(),), purpose=PURPOSE, own=False, deadline_s=DEADLINE_S,
            peers=(CLINIC, FLAPPING),
        )  # fmt: skip
        result = AskResult.model_validate(self.tell(LAB, "query", request))
        self.record.count("questions")
        for silo in result.silos:
            became = " ".join(filter(None, (silo.state, silo.code)))
            if became in STATED[silo.organisation]:
                self.record.count(f"{silo.organisation}: {became}")
            else:
                self.record.error(f"{silo.organisation}: {became}")


class Ingester(Actor):
    """Replaces all of the clinic's documents, so that the collection changes and does not grow."""

    def __init__(self, folder: Path, record: Record, over: Event, shape: Shape) -> None:
        super().__init__(folder, record, over)
        self._shape = shape
        self._vectors, self._ids = folder / "documents.npy", folder / "documents.ids"
        self._ids.write_text("".join(f"{row}\n" for row in range(shape.documents)))

    def act(self, turn: int) -> None:
        """Bring all of them in with other vectors."""
        np.save(self._vectors, documents(self._shape, 1_000 + turn))
        request = Ingest(
            collection=COLLECTION, file=self._vectors, format="npy", ids=self._ids, labels=(LABEL,)
        )
        self.tell(CLINIC, "collection.ingest", request)
        self.record.count("ingestions")


class Rotator(Actor):
    """Replaces a signing key, of the clinic and of the lab in turn."""

    def __init__(self, folder: Path, record: Record, over: Event, every_s: float) -> None:
        super().__init__(folder, record, over)
        self._every_s = every_s

    def act(self, turn: int) -> None:
        """Rotate one after a while."""
        if not self.over.wait(self._every_s):
            self.tell((CLINIC, LAB)[turn % 2], "key.rotate", Rotate(purpose="sign"))
            self.record.count("rotations")


class Flapper(Actor):
    """Lets a partner end, be killed, and hang, and brings it back each time."""

    def __init__(self, folder: Path, record: Record, over: Event, every_s: float) -> None:
        super().__init__(folder, record, over)
        self._every_s = every_s
        self._child: subprocess.Popen[bytes] | None = None

    def act(self, turn: int) -> None:
        """Up for a while, then away for a while."""
        if self._child is None:
            self._child = started(self.folder, FLAPPING)
        self.over.wait(self._every_s)
        if turn % 3 == 0:  # it hangs
            self._child.send_signal(signal.SIGSTOP)
            self.over.wait(self._every_s / 2)
            self._child.send_signal(signal.SIGCONT)
        else:
            if turn % 3 == 1:
                self._child.kill()
            self.close()
            self.over.wait(self._every_s / 2)
        self.record.count("flaps")

    def close(self) -> None:
        """End it."""
        if self._child is not None:
            ended(self._child)
            self._child = None
