"""How much is measured: the whole of it, a quarter of an hour of it, and next to nothing of it.

The rule of this file: plans differ in sizes and repetitions, never in what is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import queries
from benchmarks.one_node.synthetic import Shape

BATCHES = (8, 64, 256)


@dataclass(frozen=True)
class Plan:
    """`sizes` are collections by documents; all but growth is measured at `main` of them.

    `questions` of each of `rounds`; `staged` questions one after the other; `asked` questions of
    each number of `partners`; `world` is the shape of the vectors (its number of documents is
    replaced).
    """

    name: str
    world: Shape
    sizes: tuple[int, ...]
    main: int
    clients: tuple[int, ...]
    batches: tuple[int, ...]
    questions: int
    rounds: int
    verified: int
    staged: int
    partners: tuple[int, ...]
    asked: int
    k: int = 10

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of what is measured, in order."""
        return (
            *(f"node-{size}" for size in self.sizes),
            "stages",
            "chroma",
            "pgvector",
            "ingestion",
            "fan-out",
        )

    def asking(self) -> queries.Plan:
        """What one node is asked."""
        return queries.Plan(
            self.clients, self.batches, 4, self.questions, self.rounds, self.k, self.verified
        )


QUICK = Plan(
    name="quick",
    world=Shape(anchors=500),
    sizes=(10_000, 60_000),
    main=60_000,
    clients=(1, 16, 64),
    batches=BATCHES,
    questions=1_024,
    rounds=3,
    verified=100,
    staged=300,
    partners=(3, 10, 50),
    asked=20,
)
FULL = Plan(
    name="full",
    world=Shape(),
    sizes=(10_000, 60_000, 1_000_000),
    main=60_000,
    clients=(1, 16, 64),
    batches=BATCHES,
    questions=2_048,
    rounds=5,
    verified=200,
    staged=1_000,
    partners=(3, 10, 50),
    asked=100,
)
TINY = Plan(
    name="tiny",
    world=Shape(dimension=48, asker_dimension=32, intrinsic=8, clusters=20, anchors=250),
    sizes=(300,),
    main=300,
    clients=(1, 2),
    batches=(4,),
    questions=16,
    rounds=1,
    verified=16,
    staged=10,
    partners=(1, 2),
    asked=2,
)
PLANS = {plan.name: plan for plan in (QUICK, FULL, TINY)}
