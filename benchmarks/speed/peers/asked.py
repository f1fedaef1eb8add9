"""How another server is asked, and what is told of it.

The rule of this file: same vectors, same index parameters, same k, recall measured as the node's.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from benchmarks.one_node.bare import recall
from node.index.settings import IndexSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.one_node.kept import Kept
    from benchmarks.one_node.synthetic import Floats


class NotThere(Exception):
    """The server does not run here; the message is the reason, for the report."""


@dataclass(frozen=True)
class Asking:
    """Documents and `questions` (n, d), of which the first m have the true `nearest` (m, k)."""

    documents: Floats
    questions: Floats
    nearest: NDArray[np.int64]
    clients: tuple[int, ...]
    rounds: int

    def given(self) -> dict[str, Any]:
        """What figures depend on besides the peer."""
        documents, settings = self.documents, asdict(IndexSettings())
        asked = {"questions": len(self.questions), "k": self.k, "clients": self.clients}
        graph = {name: settings[name] for name in ("m", "ef", "ef_construction")}
        seen = hashlib.sha256(documents[:100].tobytes()).hexdigest()
        return {"documents": [*documents.shape, seen], **asked, **graph}

    @property
    def k(self) -> int:
        """Documents that each question asks for."""
        return int(self.nearest.shape[1])


@dataclass(frozen=True)
class Round:
    """One run: seconds over all, each question's seconds, and rows found for the first ones."""

    clients: int
    seconds: float
    latencies: Sequence[float]
    found: Sequence[Sequence[int]]
    load_share: float


class Peer(Protocol):
    """A server with the documents in it, up while it is entered."""

    def ask(self, asking: Asking) -> list[Round]:
        """Ask every question by each number of clients, one after the other."""


class Server(Protocol):
    """How one kind of peer is filled and started; both raise NotThere."""

    def fill(self, folder: Path, asking: Asking) -> dict[str, Any]:
        """Put the documents into the empty `folder`; returns version, documents_per_second."""

    def up(self, folder: Path) -> AbstractContextManager[Peer]:
        """Start what was filled."""


def measure(server: Server, folder: Path, asking: Asking, kept: Kept) -> dict[str, Any]:
    """Fill and ask in rounds; what was done before is not done again. Raises NotThere.

    `folder` holds the filled server until all rounds are done.
    """
    given, rounds = asking.given(), list[Round]()

    def filled() -> dict[str, Any]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return server.fill(folder, asking)

    names = [f"round-{number + 1}" for number in range(asking.rounds)]
    if not folder.exists() and not all(kept.has(name, given) for name in names):
        kept.forget(["filled"])
    with ExitStack() as stack:
        about = kept.figure("filled", given, filled)
        up = cache(lambda: stack.enter_context(server.up(folder)))
        for name in names:
            said = kept.figure(name, given, lambda: [asdict(one) for one in up().ask(asking)])
            rounds += [Round(**one) for one in said]
    shutil.rmtree(folder, ignore_errors=True)
    grouped = [[one for one in rounds if one.clients == clients] for clients in asking.clients]
    return {**about, "runs": [told(asking, each) for each in grouped]}


def told(asking: Asking, rounds: list[Round]) -> dict[str, Any]:
    """The round of the median rate, with the lowest and highest of all."""
    ordered = sorted(rounds, key=lambda one: len(one.latencies) / one.seconds)
    rates = [len(one.latencies) / one.seconds for one in ordered]
    middle = ordered[len(ordered) // 2]
    p50, p99 = np.percentile(middle.latencies, [50, 99]) * 1e3
    return {
        "clients": middle.clients,
        "per_second": rates[len(rates) // 2],
        "lowest": rates[0],
        "highest": rates[-1],
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "load_share": middle.load_share,
        "recall": recall(middle.found, asking.nearest),
    }
