"""Playing cases against a clinic, and scoring them by what the clinic knows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.extraction import boundaries, reconstruction
from benchmarks.extraction.enumeration import enumerate_collection, proposer
from benchmarks.extraction.knowledge import Field, Floats, Prior, unit
from benchmarks.extraction.plan import SHARES
from benchmarks.extraction.reconstruction import Estimates, Target
from benchmarks.extraction.silo import without_record_limits

if TYPE_CHECKING:
    from benchmarks.extraction.plan import Case
    from benchmarks.extraction.silo import Partner, Silo

KNOWN = 20
"""Documents near the target that `sparing` holds."""
TRIES = 50
"""Questions tried until one finds a record to attack."""


@dataclass(frozen=True)
class Curve:
    """What one attack reached after each budget, what it had from the first question, its end.

    `turned_away` of the `spent` vectors were refused as too near to others.

    `values` are shares of the collection, or cosines to the truth.
    """

    values: list[float]
    first: float
    spent: int
    turned_away: int
    stopped: str | None


async def enumerate_once(
    silo: Silo, known: Field, case: Case, budgets: list[int], seed: int
) -> Curve:
    """Play an enumeration with a fresh partner."""
    partner = await silo.partner(**{"granularity": "ranks", **case.fields})
    propose = proposer(
        case.attack, known, Prior.of(known.public), np.random.default_rng([seed, 11])
    )
    k = int(partner.grant.get("max_k", 10))
    shares = await enumerate_collection(partner, propose, len(silo.documents), budgets, k)
    return Curve(
        shares,
        min(k / len(silo.documents), shares[0]),
        partner.spent,
        partner.turned_away,
        partner.stopped,
    )


async def reconstruct_once(
    silo: Silo, known: Field, prior: Prior, case: Case, budgets: list[int], seed: int
) -> Curve | None:
    """Play a reconstruction with a fresh partner; None where no record could be attacked."""
    partner = await silo.partner(**{"granularity": "bins", **_fields(silo, case)})
    rng = np.random.default_rng([seed, 13])
    questions = known.probes(TRIES, 10_000 + seed)
    with nullcontext() if case.limited else without_record_limits():
        if case.attack == "edge":
            return await _play_edge(silo, partner, prior, rng, questions, budgets)
        return await _play_listed(silo, partner, prior, rng, questions, budgets, case.attack)


async def _play_listed(
    silo: Silo,
    partner: Partner,
    prior: Prior,
    rng: np.random.Generator,
    questions: Floats,
    budgets: list[int],
    attack: str,
) -> Curve | None:
    for question in questions:
        shown = await partner.ask(question[None], "ranks")
        if shown and shown[0] and len(shown[0]) >= (2 if "known" in attack else 1):
            break
    else:
        return None
    (first, *others) = [reference for reference, _ in shown[0]]
    truth = silo.documents[silo.row(partner, first)]
    target = Target(partner, question, first, prior, rng, float(partner.grant["floor"]))
    if attack == "known" or attack == "known, k = 1":
        other = silo.documents[silo.row(partner, others[0])]
        k = 1 if attack.endswith("1") else 0
        estimates = boundaries.known(target, budgets[-1], others[0], other, k)
    elif attack == "sparing":
        vectors = await _nearest_known(silo, partner, truth)
        estimates = boundaries.sparing(target, budgets[-1], vectors)
    elif attack in ("bins", "bins and order"):
        width, order = float(partner.grant.get("bin_width", 0.05)), attack != "bins"
        estimates = reconstruction.bins(target, budgets[-1], width, order=order)
    else:
        plays = {"ranks": reconstruction.ranks, "floor": boundaries.floor}
        estimates = plays[attack](target, budgets[-1])
    return await _curve(partner, estimates, truth, question, budgets)


async def _nearest_known(silo: Silo, partner: Partner, truth: Floats) -> dict[str, Floats]:
    """The documents nearest to the target, which the partner is taken to hold, by reference.

    Their references are found by asking for each by itself, which is not counted against it here.
    """
    rows = np.argsort(-(silo.documents @ truth))[1 : KNOWN + 1]
    shown = await partner.ask(silo.documents[rows], "ranks", 1)
    return {
        one[0][0]: silo.documents[row]
        for row, one in zip(rows, shown, strict=False)
        if one and silo.row(partner, one[0][0]) == row
    }


async def _play_edge(
    silo: Silo,
    partner: Partner,
    prior: Prior,
    rng: np.random.Generator,
    questions: Floats,
    budgets: list[int],
) -> Curve | None:
    for question in questions:
        if not any(await partner.ask(question[None], "boolean")):
            continue
        target = Target(partner, question, "", prior, rng, float(partner.grant["floor"]))
        points = await boundaries.last_edge(target)
        if points is not None:
            break
        if partner.stopped is not None:
            return None
    else:
        return None
    centre, out = points
    least = int(partner.grant.get("smallest_count", 1))
    # of so many records that must reach the floor, the last decides
    truth = silo.documents[np.argsort(-(silo.documents @ unit(centre + out)))[least - 1]]
    estimates = boundaries.edge(target, budgets[-1], centre, out)
    return await _curve(partner, estimates, truth, question, budgets)


async def _curve(
    partner: Partner, estimates: Estimates, truth: Floats, question: Floats, budgets: Sequence[int]
) -> Curve:
    """Follow an attack; after each budget counts the newest estimate made within it."""
    first = float(question @ truth)
    reached = [(0, first)]
    async for spent, estimate in estimates:
        reached.append((spent, float(unit(estimate) @ truth)))
    values = [[cosine for spent, cosine in reached if spent <= one][-1] for one in budgets]
    return Curve(values, first, partner.spent, partner.turned_away, partner.stopped)


def _fields(silo: Silo, case: Case) -> dict[str, Any]:
    width = silo.documents.shape[1]
    return {
        name: width // SHARES[value] if value in SHARES else value
        for name, value in case.fields.items()
    }
