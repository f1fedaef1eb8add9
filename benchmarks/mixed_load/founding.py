"""A lab that asks, a clinic that answers and takes documents in, and a partner that flaps.

The rule of this file: all three are real nodes that run as processes of their own, paired with each
other as people pair them; nothing stands in for anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.one_node.founding import (
    CLINIC,
    COLLECTION,
    DOCUMENTS,
    GRANT,
    LAB,
    create,
    envelope,
    opened,
    records,
    trust,
)
from benchmarks.one_node.machine import free_ports
from benchmarks.one_node.synthetic import Shape, World
from node.operations.catalogue import find
from node.operations.policy import GrantFiles
from node.operations.registry import silent

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.one_node.synthetic import Floats
    from node.node import Node

FLAPPING = "flapping.example"
SHAPE = Shape(documents=5_000, dimension=128, intrinsic=16, clusters=50)


async def found(folder: Path, shape: Shape) -> None:
    """Make the three below `folder`, an empty one."""
    names = (LAB, CLINIC, FLAPPING)
    for name, port in zip(names, free_ports(len(names)), strict=True):
        create(folder / name, name, port)
    async with opened(folder, LAB) as lab:
        lab.encoders.add("given", "caller", {}, envelope(shape.dimension))
        for name in (CLINIC, FLAPPING):
            async with opened(folder, name) as partner:
                await _answers(partner, documents(shape, DOCUMENTS))
                for one, other in ((lab, partner), (partner, lab)):
                    await trust(one, other)
                given = GrantFiles(files={"lab.toml": GRANT})
                await find("policy.apply").handler(partner, given, silent)


def documents(shape: Shape, stream: int) -> Floats:
    """As many vectors (n, d) as a collection holds; another `stream`, others."""
    world = World(shape)
    return world.seen(world.meanings(shape.documents, stream), shape.dimension, stream)


async def _answers(partner: Node, vectors: Floats) -> None:
    partner.encoders.add("given", "caller", {}, envelope(vectors.shape[1]))
    collection = await partner.collections.create(COLLECTION, "given")
    await collection.ingest(records(vectors), len(vectors), silent)
    await collection.settle(silent)
