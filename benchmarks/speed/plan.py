"""How much is measured: the whole of it, a quarter of an hour of it, and next to nothing of it.

The rule of this file: plans differ in sizes and repetitions, never in what is done. Figures are
named by what they were measured with, so what two plans have alike is measured once.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.one_node import asking
from benchmarks.one_node.synthetic import Shape

BATCHES = (8, 64, 256)
BATCH_CLIENTS = 4


@dataclass(frozen=True)
class Plan:
    """`sizes` are collections by documents; what is not about size is measured at `main` of them.

    In collections of `whole` sizes every way of asking is measured, in the others one client alone.
    `questions` of each of `rounds`; `staged` questions one after the other; `asked` questions of
    each number of `partners`; `ingested` documents in each of `ingestions`; `world` is the shape of
    the vectors (its number of documents is replaced). `expected_s`: seconds that each part takes on
    two cores with nothing else to do.
    """

    name: str
    world: Shape
    sizes: tuple[int, ...]
    whole: tuple[int, ...]
    main: int
    clients: tuple[int, ...]
    batches: tuple[int, ...]
    questions: int
    rounds: int
    verified: int
    staged: int
    partners: tuple[int, ...]
    asked: int
    ingested: int
    ingestions: int
    while_ingesting: int
    expected_s: tuple[int, ...]
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
            "while-ingesting",
            "fan-out",
        )

    @property
    def expected(self) -> dict[str, int]:
        """Seconds that each part is expected to take."""
        return dict(zip(self.parts, self.expected_s, strict=True))

    def asking(self, documents: int) -> asking.Plan:
        """What a node with so many documents is asked."""
        every = documents in self.whole
        return asking.Plan(
            self.clients if every else (1,),
            self.batches if every else (),
            BATCH_CLIENTS,
            self.questions,
            self.rounds,
            self.k,
            self.verified,
            routes=2 if every else 1,
        )


_WORLD = Shape(anchors=1_000)

QUICK = Plan(
    name="quick",
    world=_WORLD,
    sizes=(10_000, 60_000),
    whole=(60_000,),
    main=60_000,
    clients=(1, 16, 64),
    batches=BATCHES,
    questions=768,
    rounds=3,
    verified=100,
    staged=300,
    partners=(3, 10, 50),
    asked=20,
    ingested=12_000,
    ingestions=2,
    while_ingesting=900,
    expected_s=(35, 190, 25, 110, 110, 80, 80, 130),
)
FULL = Plan(
    name="full",
    world=_WORLD,
    sizes=(10_000, 60_000, 1_000_000),
    whole=(60_000, 1_000_000),
    main=60_000,
    clients=(1, 16, 64),
    batches=BATCHES,
    questions=768,
    rounds=8,
    verified=100,
    staged=300,
    partners=(3, 10, 50),
    asked=100,
    ingested=60_000,
    ingestions=3,
    while_ingesting=2_000,
    expected_s=(60, 600, 5_400, 30, 130, 130, 600, 180, 300),
)
TINY = Plan(
    name="tiny",
    world=Shape(dimension=48, asker_dimension=32, intrinsic=8, clusters=20, anchors=250),
    sizes=(300,),
    whole=(300,),
    main=300,
    clients=(1, 2),
    batches=(4,),
    questions=16,
    rounds=1,
    verified=16,
    staged=10,
    partners=(1, 2),
    asked=1,
    ingested=300,
    ingestions=1,
    while_ingesting=10,
    expected_s=(5, 1, 5, 5, 5, 5, 20),
)
PLANS = {plan.name: plan for plan in (QUICK, FULL, TINY)}
