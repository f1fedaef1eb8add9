"""What it would take to encode a collection by another model, from a sample of its documents."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from node.collections.collection import Collection
from node.collections.index_keeper import Progress
from node.encoders.encoder import Encoder
from node.ingest.chunking import chunk
from node.ingest.sources import Sources
from node.store import version_rows
from node.store.store import Store
from node.store.version_rows import Waiting

SAMPLE = 64
"""Documents that are encoded to measure the model's speed."""

BATCH = 16
NAMED = 20


@dataclass(frozen=True, slots=True)
class Estimated:
    """See `MigrationEstimate`: figures of all documents as the sample's mean gives them."""

    documents: int
    without_text: int
    unnamed: tuple[str, ...]
    sample: int
    chunks: int
    tokens: int
    seconds: float
    bytes: int


async def estimate_migration(
    store: Store,
    collection: Collection,
    encoder: Encoder,
    rate: int,
    progress: Progress,
    most: int | None = None,
    seconds: Callable[[], float] = time.monotonic,
) -> Estimated:
    """Encode a sample of the documents that have a text, spread over all. Raises EncoderError.

    `most`: only so many documents are to be encoded, None for all.
    """
    documents = collection.documents
    with store.read() as db:
        without_text, unnamed = version_rows.without_text(db, collection.key, NAMED)
        chosen = version_rows.sample(db, collection.key, SAMPLE)
    texts = await asyncio.to_thread(_texts, collection.sources, chosen)
    pieces = await asyncio.to_thread(
        lambda: [part for text in texts for part in _cut(text, encoder)]
    )
    tokens = sum(encoder.count_tokens(piece) for piece in pieces)
    began = seconds()
    for first in range(0, len(pieces), BATCH):
        await encoder.encode(pieces[first : first + BATCH], "document")
        progress(first, len(pieces), "pieces of the sample encoded")
    taken = seconds() - began
    with_text = documents - without_text
    with_text = with_text if most is None else min(with_text, most)
    share = with_text / len(texts) if texts else 0.0
    chunks = round(len(pieces) * share)
    return Estimated(
        documents=documents,
        without_text=without_text,
        unnamed=tuple(unnamed),
        sample=len(texts),
        chunks=chunks,
        tokens=round(tokens * share),
        seconds=max(taken * share, with_text / rate if rate else 0.0),
        bytes=chunks * encoder.envelope.dimension * 4,
    )


def _texts(sources: Sources, chosen: list[Waiting]) -> list[str]:
    """The texts of a sample; a source that cannot be read stops the estimate, and is named."""
    texts = (sources.text_of(one.text, one.uri, one.source) for one in chosen)
    return [text for text in texts if text]


def _cut(text: str, encoder: Encoder) -> list[str]:
    most = encoder.chunk_tokens
    if most is None or len(text) <= most:
        return [text]
    return [text[start:stop] for start, stop in chunk(text, most, encoder.count_tokens)]
