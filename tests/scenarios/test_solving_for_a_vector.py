"""A partner solves for a stored vector with exact comparators: the floor, and the order of a list.

Each attack bisects question vectors onto the hyperplane on which an answer changes: where the
record's score is just the floor's, or just that of a record whose vector is public. As many such
vectors as there are dimensions determine the record. What the node's owner knows of the record
scores the attack and takes no part in it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from node.ingest.record import Record
from protocol.messages import Answer
from protocol.vectors import encode
from tests.scenarios.conftest import Pair
from tests.scenarios.test_budgets import ask, question
from tests.scenarios.world import DIMENSION, World, grant, pair

Floats = NDArray[np.float64]
FLOOR = 0.45
STEPS = 20  # bisections of an interval: 2^-20 of it is left
MARGIN = 0.03  # what an attack may gain over the first question: cosine

Compare = Callable[[Floats], Awaitable[list[bool]]]
"""Says of each question (n, d) on which side of its hyperplane it lies."""


def unit(vectors: Floats) -> Floats:
    lengths: Floats = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


@dataclass
class Attack:
    """A lab that knows a question near the record, and the clinic's answers to its batches."""

    organisations: Pair
    secret: Floats
    near: Floats
    public: Floats

    async def ask(self, vectors: Floats, granularity: str, k: int) -> list[Any]:
        query = question(vectors=encode(vectors.astype(np.float32)), granularity=granularity, k=k)
        said = await ask(self.organisations, query)
        assert isinstance(said.payload, Answer)
        return list(said.payload.results)

    def gain(self, estimate: Floats) -> float:
        """How much better than the first question alone: a difference of cosines."""
        return float(abs(unit(estimate) @ self.secret) - self.near @ self.secret)


async def attacked(world: World, **fields: Any) -> Attack:
    """A clinic with a secret record, a public one near it, and others that are near neither."""
    draw = np.random.default_rng(7)
    secret = unit(draw.normal(size=DIMENSION))
    near = unit(secret + 0.15 * draw.normal(size=DIMENSION))
    public = unit(secret + 0.3 * draw.normal(size=DIMENSION))
    others = unit(draw.normal(size=(6, DIMENSION)) - 6 * secret)
    lab = await world.organisation("lab.example")
    records = [
        Record(id=str(at), where="", vector=row.astype(np.float32), labels=frozenset({"open"}))
        for at, row in enumerate([secret, *([public] if "floor" not in fields else []), *others])
    ]
    clinic = await world.organisation("clinic.example", records)
    await pair(lab, clinic)
    # of all limits only the answers of a record hold: those on questions are lifted
    unlimited = {"rate": 1_000_000, "queries_per_day": 1_000_000, "near_duplicates_per_day": 4096}
    await clinic.grant(grant("lab.example", **unlimited, **fields))
    return Attack(Pair(world, lab, clinic), secret, near, public)


async def bisected(starts: Floats, ends: Floats, compare: Compare) -> Floats:
    """Questions (n, d) between starts and ends where the comparison changes, as near as it gets."""
    low, high = np.zeros(len(starts)), np.ones(len(starts))
    for _ in range(STEPS):
        middle = (low + high) / 2
        same = np.array(await compare(between(starts, ends, middle)))
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return between(starts, ends, (low + high) / 2)


def between(starts: Floats, ends: Floats, share: Floats) -> Floats:
    return unit((1 - share[:, None]) * starts + share[:, None] * ends)


@pytest.mark.parametrize("granularity", ["bins", "ranks", "count", "boolean"])
async def test_the_floor_does_not_solve_for_a_record(world: World, granularity: str) -> None:
    attack = await attacked(world, floor=FLOOR)
    (first,) = await attack.ask(attack.near[None, :], "ranks", 1)
    found = first[0].ref

    async def reaches(questions: Floats) -> list[bool]:
        shown = await attack.ask(questions, granularity, 3)
        if granularity in ("count", "boolean"):
            return [bool(each) for each in shown]  # nothing else is near
        return [found in {hit.ref for hit in each} for each in shown]

    draw = np.random.default_rng(8)
    starts = np.tile(attack.near, (DIMENSION, 1))
    sideways = unit(draw.normal(size=(DIMENSION, DIMENSION)))
    ends = unit(sideways - (sideways @ attack.near)[:, None] * attack.near)
    on = await bisected(starts, ends, reaches)
    estimate, *_ = np.linalg.lstsq(on, np.full(DIMENSION, FLOOR), rcond=None)
    assert attack.gain(estimate) < MARGIN


async def test_the_order_of_two_records_does_not_solve_for_one_where_the_other_is_public(
    world: World,
) -> None:
    attack = await attacked(world)
    (first,) = await attack.ask(attack.near[None, :], "ranks", 1)
    found = first[0].ref

    async def before(questions: Floats) -> list[bool]:
        shown = await attack.ask(questions, "ranks", 2)
        return [bool(each) and each[0].ref == found for each in shown]

    draw = np.random.default_rng(9)
    size = (DIMENSION - 1, DIMENSION)
    starts = unit(attack.near + 0.1 * draw.normal(size=size))
    ends = unit(attack.public + 0.1 * draw.normal(size=size))
    on = await bisected(starts, ends, before)
    away = np.linalg.svd(on)[2][-1]  # the direction from the one record to the other
    estimate = attack.public - 2 * (attack.public @ away) * away
    assert attack.gain(estimate) < MARGIN
