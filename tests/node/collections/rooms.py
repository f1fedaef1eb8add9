"""The data rooms opened in a directory, as the node opens them; and documents to put in."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from node.collections.collection import Collection
from node.collections.index_keeper import MostAsked
from node.collections.registry import Collections
from node.collections.scalars import YardsticksOf
from node.encoders.registry import Encoders
from node.index.candidate import Candidates
from node.index.located import Located
from node.index.settings import IndexSettings
from node.ingest.record import Record
from node.ingest.sources import NOTHING, SourceRules
from node.store.store import Store
from protocol.envelope import Envelope, Prompts

DIMENSION = 16
NOW = 1_700_000_000
SMALL = IndexSettings(delta_limit=100, build_threads=1, search_threads=2)
"""Snapshots from a hundred rows on, so that tests reach them quickly."""


def envelope(**changes: Any) -> Envelope:
    """An envelope of a space that nobody else has."""
    fields = {
        "provider": "tests",
        "model": "random",
        "revision": "1",
        "dimension": DIMENSION,
        "pooling": "none",
        "normalisation": "l2",
        "similarity": "cosine",
        "prompts": Prompts.of(),
    }
    return Envelope.model_validate({**fields, **changes})


def vectors(count: int, dimension: int = DIMENSION, seed: int = 0) -> npt.NDArray[np.float32]:
    """Unit vectors in clusters, as real embeddings lie."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(20, dimension))
    rows = centres[random.integers(20, size=count)] + random.normal(size=(count, dimension)) * 0.5
    unit: npt.NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1)[:, None]).astype("f4")
    return unit


def record(
    number: int, vector: npt.NDArray[np.float32], labels: Iterable[str] = (), **fields: Any
) -> Record:
    """Document `d<number>` with a vector of its own."""
    return Record(f"d{number}", f"test:{number}", vector=vector, labels=frozenset(labels), **fields)


def records(rows: npt.NDArray[np.float32], labels: Iterable[str] = ()) -> list[Record]:
    """Documents d0, d1, ... with these vectors."""
    return [record(number, row, labels) for number, row in enumerate(rows)]


def unseen(done: int, total: int | None, what: str) -> None:
    """A progress that nobody watches."""


@dataclass(frozen=True)
class Rooms:
    store: Store
    encoders: Encoders
    collections: Collections

    async def collection(self, name: str = "papers", **changes: Any) -> Collection:
        """A new collection of vectors that the caller gives."""
        encoder = f"{name}-encoder"
        self.encoders.add(encoder, "caller", {}, envelope(**changes))
        return await self.collections.create(name, encoder)


@asynccontextmanager
async def opened(
    path: Path,
    settings: IndexSettings = SMALL,
    yardsticks: YardsticksOf = lambda _space: (),
    rules: SourceRules = NOTHING,
    most_asked: MostAsked = lambda _collection: (),
) -> AsyncIterator[Rooms]:
    """Open the rooms in `path` and close them as the node does."""
    store = Store.open(path / "store.db")
    encoders = Encoders(store, lambda: NOW)
    collections = Collections(
        store,
        path / "indexes",
        encoders,
        settings,
        lambda: NOW,
        yardsticks,
        most_asked,
        rules=rules,
    )
    try:
        yield Rooms(store, encoders, collections)
    finally:
        await collections.close()
        await encoders.close()
        store.close()


async def search(
    collection: Collection,
    queries: npt.NDArray[np.float32],
    k: int,
    visible: frozenset[str] | None = None,
) -> list[Candidates]:
    """Search the version that serves by vectors of its space."""
    version = collection.serving
    return await version.search(Located(version.space_id, queries), k, visible)


async def found_ids(
    collection: Collection,
    queries: npt.NDArray[np.float32],
    k: int,
    visible: frozenset[str] | None = None,
) -> list[list[str | None]]:
    """External ids of what a search finds."""
    answers = await search(collection, queries, k, visible)
    return [[collection.external_id(one.key) for one in answer] for answer in answers]
