"""What is played: attacks, each without control and with every control that might stop it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LIFTED = "nothing (limits lifted)"
SHARES = {"D": 1, "D/4": 4, "D/8": 8}
"""Names of shares of the collection's dimension, which a case does not know, by their divisors."""
FLOOR = 0.6
"""The floor of the attacks on floors: so high that lists are not always full."""


@dataclass(frozen=True)
class Case:
    """One attack under one grant; `fields` are those of the grant, `title` names the control.

    `limited` False lifts the limits of answers about one record, which no grant can lift.
    """

    attack: str
    title: str
    fields: dict[str, Any] = field(default_factory=dict)
    limited: bool = True


ENUMERATIONS = [
    *(
        Case(strategy, f"max_k = {k}", {"max_k": k})
        for k in (10, 1)
        for strategy in ("random", "distributed", "probes", "neighbours")
    ),
    Case("probes", "max_k = 50", {"max_k": 50}),
    Case("probes", "floor = 0.6", {"floor": FLOOR}),
    Case("neighbours", "floor = 0.6", {"floor": FLOOR}),
    Case("probes", "queries_per_day = 1000, one day", {"queries_per_day": 1000}),
    Case("probes", "records_per_epoch = 200", {"records_per_epoch": 200}),
    Case("neighbours", "share_per_epoch = 0.1", {"share_per_epoch": 0.1}),
    Case("probes", "answers_per_record = 5", {"answers_per_record": 5}),
    Case("probes", "near_duplicates_per_day = 50", {"near_duplicates_per_day": 50}),
]

NEAR = "near_duplicates_per_day"
RANKS = {"granularity": "ranks"}
ALL, QUARTER = {"answers_per_record": "D"}, {"answers_per_record": "D/4"}
RECONSTRUCTIONS = [
    Case("bins", LIFTED, limited=False),
    Case("bins", "bin_width = 0.2, limits lifted", {"bin_width": 0.2}, limited=False),
    Case("bins", "the default: D/8 answers"),
    Case("bins", "answers_per_record = D", ALL),
    Case("bins and order", "the default: D/8 answers"),
    Case("bins and order", "answers_per_record = D", ALL),
    Case("bins", "scored_answers = 0", {"scored_answers": 0}),
    Case("bins", "granularity = ranks", RANKS),
    Case("ranks", LIFTED, RANKS, limited=False),
    Case("ranks", "max_k = 3, limits lifted", {**RANKS, "max_k": 3}, limited=False),
    Case("ranks", "the default: D/8 answers", RANKS),
    Case("ranks", "answers_per_record = D/4", {**RANKS, **QUARTER}),
    Case("ranks", "answers_per_record = D", {**RANKS, **ALL}),
    Case("ranks", "answers_per_record = D, granularity = bins", ALL),
    Case("known", LIFTED, RANKS, limited=False),
    Case("known", "the default: D/8 answers", RANKS),
    Case("known", "answers_per_record = D", {**RANKS, **ALL}),
    Case("known, k = 1", "the default: D/8 answers", RANKS),
    Case("known, k = 1", "answers_per_record = D", {**RANKS, **ALL}),
    Case("sparing", LIFTED, RANKS, limited=False),
    Case("sparing", "the default: D/8 answers", RANKS),
    Case("sparing", "answers_per_record = D", {**RANKS, **ALL}),
    Case("floor", LIFTED, {**RANKS, "floor": FLOOR}, limited=False),
    Case("floor", "the default: D/8 answers", {**RANKS, "floor": FLOOR}),
    Case("edge", LIFTED, {"granularity": "boolean", "floor": FLOOR}, limited=False),
    Case("edge", "the default: D/8 answers", {"granularity": "boolean", "floor": FLOOR}),
    Case(
        "edge", "smallest_count = 5, limits lifted",
        {"granularity": "boolean", "floor": FLOOR, "smallest_count": 5}, limited=False,
    ),
    Case("bins", f"{NEAR} = 50, other limits lifted", {NEAR: 50}, limited=False),
    Case("ranks", f"{NEAR} = 50, other limits lifted", {**RANKS, NEAR: 50}, limited=False),
    Case("known", f"{NEAR} = 50, other limits lifted", {**RANKS, NEAR: 50}, limited=False),
    Case(
        "floor", f"{NEAR} = 50, other limits lifted", {**RANKS, "floor": FLOOR, NEAR: 50},
        limited=False,
    ),
    Case(
        "edge", f"{NEAR} = 50, other limits lifted",
        {"granularity": "boolean", "floor": FLOOR, NEAR: 50}, limited=False,
    ),
]  # fmt: skip
