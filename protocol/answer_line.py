"""The payload line of an answer, as its responder writes it.

The rule of this file: `Answer` (protocol/answer_message.py) reads what comes from others and judges
each value; a responder's own values were judged where they came from, so they are written as they
are, in the order and spelling in which `Answer` would write them. That both write the same bytes is
tested over values of every kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from protocol.card import Figure
from protocol.query_message import Granularity
from protocol.score_kind import ScoreKind

HitsShown = Sequence[Mapping[str, str | int]]
"""Documents best first, each `ref`, then `bin` and `commitment` where they are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRoute:
    """See `RouteReport`."""

    adapter: str | None
    kind: str
    figures: Mapping[str, Figure]
    low_confidence: bool | None = None

    def plain(self) -> dict[str, Any]:
        """Return the members in order, absent ones left out."""
        figures = {
            name: {"milli": figure.milli, "low": figure.low, "high": figure.high}
            for name, figure in self.figures.items()
        }
        return _present(
            {
                "adapter": self.adapter,
                "kind": self.kind,
                "figures": figures,
                "low_confidence": self.low_confidence,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAnswer:
    """See `Answer`; `decision` is always `answered`, `queries` is what is left of the budget."""

    salt: str
    query: str
    collection: str
    version: str
    purpose: str
    granularity: Granularity
    bin_width_milli: int | None
    score_space: str | None
    score_kind: ScoreKind | None
    route: WrittenRoute
    epoch: int
    smallest_count: int | None
    withheld: bool
    results: Sequence[HitsShown | int | bool | None]
    queries: int
    request_url: str | None

    def encode(self) -> bytes:
        """Return the payload line without its LF."""
        members = {
            "v": 1,
            "salt": self.salt,
            "query": self.query,
            "decision": "answered",
            "collection": self.collection,
            "version": self.version,
            "purpose": self.purpose,
            "granularity": self.granularity,
            "bin_width_milli": self.bin_width_milli,
            "score_space": self.score_space,
            "score_kind": self.score_kind,
            "route": self.route.plain(),
            "epoch": self.epoch,
            "smallest_count": self.smallest_count,
            "withheld": True if self.withheld else None,
            "results": self.results,
            "budget": {"queries": self.queries},
            "request_url": self.request_url,
        }
        return orjson.dumps(_present(members))

    @property
    def count(self) -> int:
        """The documents that are shown or counted over the whole batch.

        A number that is told without its figure adds nothing.
        """
        return sum(
            int(result or 0) if result is None or isinstance(result, int) else len(result)
            for result in self.results
        )


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
