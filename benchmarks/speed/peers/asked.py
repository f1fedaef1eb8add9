"""How another server is asked, and what is told of it.

The rule of this file: same vectors, same index parameters, same k, recall measured as the node's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.one_node.bare import recall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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

    @property
    def k(self) -> int:
        """Documents that each question asks for."""
        return int(self.nearest.shape[1])


@dataclass(frozen=True)
class Round:
    """One run: seconds over all, each question's seconds, and rows found for the first ones."""

    seconds: float
    latencies: Sequence[float]
    found: Sequence[Sequence[int]]
    load_share: float


def told(asking: Asking, clients: int, rounds: list[Round]) -> dict[str, Any]:
    """The round of the median rate, with the lowest and highest of all."""
    ordered = sorted(rounds, key=lambda one: len(one.latencies) / one.seconds)
    rates = [len(one.latencies) / one.seconds for one in ordered]
    middle = ordered[len(ordered) // 2]
    p50, p99 = np.percentile(middle.latencies, [50, 99]) * 1e3
    return {
        "clients": clients,
        "per_second": rates[len(rates) // 2],
        "lowest": rates[0],
        "highest": rates[-1],
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "load_share": middle.load_share,
        "recall": recall(middle.found, asking.nearest),
    }
