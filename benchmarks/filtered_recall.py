"""What a filter costs a search: recall@k against scoring all that qualify, and milliseconds.

    python -m benchmarks.filtered_recall [--documents 20000] [--dimension 384] [--queries 200]

The collection is synthetic (benchmarks/one_node/synthetic.py), its filter admits a share of it:
documents drawn anywhere, or those that lie furthest in one direction, which is the harder case for
a graph: most questions lie where few or no documents qualify. Labels, metadata and what a partner
may still be told of all reach the index as such a set. Everything follows from the seed.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.one_node.founding import COLLECTION, create, envelope, opened
from benchmarks.one_node.synthetic import Shape, World
from node.collections.collection import Collection
from node.index.among import Among
from node.index.located import Located
from node.ingest.record import Record
from node.operations.registry import silent

SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001)
Floats = NDArray[np.float32]


async def filled(node: Any, rows: Floats) -> tuple[Collection, NDArray[np.int64]]:
    """Return a compacted collection of these rows, and their internal keys."""
    node.encoders.add("given", "caller", {}, envelope(rows.shape[1]))
    collection: Collection = await node.collections.create(COLLECTION, "given")
    records = (
        Record(id=str(at), where=f"row {at}", vector=row, labels=frozenset({"open"}))
        for at, row in enumerate(rows)
    )
    await collection.ingest(records, len(rows), silent)
    await collection.compact(silent)
    names = [str(at) for at in range(len(rows))]
    found = collection.find(names)
    return collection, np.array([found[name].key for name in names], dtype=np.int64)


async def measured(
    collection: Collection,
    rows: Floats,
    keys: NDArray[np.int64],
    chosen: Any,
    asked: Floats,
    k: int,
) -> tuple[float, float]:
    """Return recall@k and the mean milliseconds of a question, asked one by one."""
    among = Among(only=keys[chosen])
    scores = asked @ rows[chosen].T
    truth = [set(keys[chosen][order[:k]].tolist()) for order in np.argsort(-scores, axis=1)]
    began, hits = time.perf_counter(), 0
    for query, expected in zip(asked, truth, strict=True):
        located = Located(collection.space_id, query[None, :])
        (found,) = await collection.serving.search(located, k, None, among)
        hits += len({one.key for one in found} & expected)
    seconds = time.perf_counter() - began
    return hits / sum(map(len, truth)), 1000 * seconds / len(asked)


async def run(folder: Path, options: argparse.Namespace) -> None:
    """Print one line for each share and kind of filter."""
    world = World(Shape(documents=options.documents, dimension=options.dimension))
    rows = world.seen(world.meanings(options.documents, 0), options.dimension, 0)
    asked = world.seen(world.meanings(options.queries, 1), options.dimension, 1)
    name = "clinic.example"
    create(folder / name, name, 2)
    async with opened(folder, name) as node:
        collection, keys = await filled(node, rows)
        draw = np.random.default_rng(1)
        orders = {
            "anywhere": draw.random(len(rows)),
            "one side": rows @ draw.normal(size=rows.shape[1]),
        }
        print("documents that qualify  where     recall  ms")
        for share in SHARES:
            for where, order in orders.items():
                chosen = order <= np.quantile(order, share)
                recall, ms = await measured(collection, rows, keys, chosen, asked, options.k)
                count = f"{int(chosen.sum())} ({share:.1%})"
                print(f"{count:22}  {where:8}  {recall:.3f}  {ms:6.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("-k", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), options))


if __name__ == "__main__":
    main()
