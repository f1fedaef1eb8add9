"""The documents from which a bridge is learned: a sample of a version, as two models see it.

The rule of this file: a document is taken where both models see the same piece of its text. What
both versions have already costs nothing; the rest is encoded by the new model, and nothing of it is
stored but the maps.
"""

import asyncio
import hashlib

import numpy as np

from adapters.map import Floats
from adapters.split import split
from node.collections.bridge import LEAST, Sample
from node.collections.index_keeper import Progress
from node.collections.version import Version
from node.encoders.encoder import Encoder, Role
from node.encoders.errors import EncoderError
from node.ingest.sources import Sources, SourceUnreadable
from node.store import chunk_rows
from node.store.chunk_rows import FirstPiece
from node.store.store import Store

SAMPLE = 2000
"""Documents that a bridge is learned from, unless told otherwise; 95% of the quality of ten times
as many (docs/adapters.md)."""

BATCH = 64


def enough(documents: int) -> int:
    """How many documents of a collection both versions must have for a map during a course."""
    return max(LEAST, min(SAMPLE, documents // 2))


async def sample_of_both(store: Store, one: Version, other: Version, count: int = SAMPLE) -> Sample:
    """Take documents that two versions have vectors of; encodes nothing."""

    def read() -> Sample:
        with store.read() as db:
            firsts = chunk_rows.sample_firsts(db, one.key, count)
            keys = [first.document for first in firsts]
            there = chunk_rows.same_pieces(db, other.key, keys, one.key)
        both = [first for first in firsts if first.document in there]
        ones = _rows([first.vector for first in both])
        others = _rows([there[first.document] for first in both])
        digests = [_digest(row.tobytes()) for row in ones]  # like texts, like vectors
        return Sample(digests, ones, others, ones, others)

    return await asyncio.to_thread(read)


async def sample_by(
    store: Store,
    sources: Sources,
    version: Version,
    encoder: Encoder,
    count: int,
    progress: Progress,
) -> Sample:
    """Encode a sample of a version's documents by another model, which is `one` of the sample.

    Texts that judge are encoded as questions too, by both models; where the version's own model
    does not answer, its documents' vectors stand for their questions. Documents whose texts stay
    where they cannot be read are left out. Raises EncoderError.
    """

    def read() -> list[tuple[str, Floats]]:
        with store.read() as db:
            firsts = chunk_rows.sample_firsts(db, version.key, count)
        return [(_piece(sources, first), first.vector) for first in firsts]

    pieces = [one for one in await asyncio.to_thread(read) if one[0] and _fits(one[0], encoder)]
    texts = [text for text, _ in pieces]
    digests = [_digest(text.encode()) for text in texts]
    parts = split(digests)
    judging = np.concatenate([parts.validation, parts.test])
    new = await _encoded(encoder, texts, "document", progress)
    old = _rows([row for _, row in pieces])
    new_asked, old_asked = new.copy(), old.copy()
    questions = [texts[at] for at in judging]
    if questions:
        new_asked[judging] = await _encoded(encoder, questions, "query", progress)
        try:
            old_asked[judging] = await _encoded(version.encoder, questions, "query", progress)
        except EncoderError:
            old_asked = old
    return Sample(digests, new, old, new_asked, old_asked)


async def _encoded(encoder: Encoder, texts: list[str], role: Role, progress: Progress) -> Floats:
    rows = []
    for first in range(0, len(texts), BATCH):
        rows.append(await encoder.encode(texts[first : first + BATCH], role))
        progress(min(first + BATCH, len(texts)), len(texts), f"texts of the sample as {role}")
    return np.concatenate(rows) if rows else np.empty((0, encoder.envelope.dimension), "f4")


def _fits(text: str, encoder: Encoder) -> bool:
    most = encoder.chunk_tokens
    return most is None or len(text) <= most or encoder.count_tokens(text) <= most


def _piece(sources: Sources, first: FirstPiece) -> str:
    """The text of a first piece, empty where its document has none that can be read."""
    try:
        text = sources.text_of(first.text, first.uri, first.source) or ""
    except SourceUnreadable:
        return ""
    return text[first.start : first.stop]


def _digest(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def _rows(rows: list[Floats]) -> Floats:
    return np.stack(rows).astype(np.float32) if rows else np.empty((0, 1), dtype=np.float32)
