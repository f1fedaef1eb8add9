"""Making the vectors of a batch: chunked, encoded in one call, or taken as given and checked."""

import asyncio
from dataclasses import dataclass, replace

import numpy as np

from node.encoders.encoder import Encoder, FloatArray
from node.encoders.errors import EncoderFailed, UnusableVectors
from node.encoders.vectors import checked
from node.ingest.chunking import Span, chunk
from node.ingest.errors import BadRecord
from node.ingest.plan import Planned


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A planned record with its chunks: n spans and vectors (n, d); none where not needed."""

    planned: Planned
    spans: list[Span]
    vectors: FloatArray


async def prepare(batch: list[Planned], encoder: Encoder, max_pieces: int) -> list[Prepared]:
    """Return the batch with the vectors it needs, in order.

    Raises BadRecord for a record that has no usable vector or would be cut into more than
    `max_pieces`, EncoderError where the model fails.
    """
    # in a thread: whoever asks meanwhile is not kept waiting
    prepared = await asyncio.to_thread(_taken, batch, encoder)
    texts: list[str] = []
    owners: list[Planned] = []
    for at, planned in enumerate(batch):
        if planned.needs_vectors and not _brings_vectors(planned):
            spans = await _chunked(planned, encoder, max_pieces)
            texts += [(planned.record.text or "")[start:stop] for start, stop in spans]
            owners += [planned] * len(spans)
            prepared[at] = Prepared(planned, spans, prepared[at].vectors)
    if not owners:
        return prepared
    encoded = await _encoded(texts, owners, encoder)
    return _assigned(prepared, encoded)


async def prepare_texts(batch: list[Planned], encoder: Encoder, max_pieces: int) -> list[Prepared]:
    """Return the batch with vectors of its texts, whatever vectors came with them.

    A document without a text gets none. Raises as `prepare` does.
    """
    if not encoder.takes_text:
        return unprepared(batch, encoder.envelope.dimension)
    texts = [planned for planned in batch if planned.record.text]
    bare = [
        replace(planned, record=replace(planned.record, vector=None, spans=())) for planned in texts
    ]
    ready = {item.planned.record.id: item for item in await prepare(bare, encoder, max_pieces)}
    empty = {item.planned.record.id: item for item in unprepared(batch, encoder.envelope.dimension)}
    return [ready.get(planned.record.id, empty[planned.record.id]) for planned in batch]


def unprepared(batch: list[Planned], dimension: int) -> list[Prepared]:
    """Return the batch without any vectors."""
    none = np.empty((0, dimension), dtype=np.float32)
    return [Prepared(planned, [], none) for planned in batch]


async def _chunked(planned: Planned, encoder: Encoder, max_pieces: int) -> list[Span]:
    if not encoder.takes_text:
        raise BadRecord(
            planned.record.where,
            f"a vector is missing, and encoder {encoder.name!r} stands for vectors that you "
            "compute",
            fix="Add one to each document, or use a collection whose encoder runs a model.",
        )
    text = planned.record.text or ""
    most = encoder.chunk_tokens
    if most is None or len(text) <= most:  # a token has one character at least
        return [(0, len(text))]
    spans = await asyncio.to_thread(chunk, text, most, encoder.count_tokens)
    if len(spans) > max_pieces:
        raise BadRecord(
            planned.record.where,
            f"its text of {len(text):,} characters makes {len(spans):,} pieces, and one document"
            f" may have {max_pieces:,}",
            fix="Split it into several documents, e.g. one a chapter, or raise index.max_pieces in"
            " interlingua.toml.",
        )
    return spans


async def _encoded(texts: list[str], owners: list[Planned], encoder: Encoder) -> FloatArray:
    try:
        return await encoder.encode(texts, "document")
    except EncoderFailed as error:
        if error.row is None:
            raise
        raise BadRecord(owners[error.row].record.where, str(error), fix=error.fix) from None


def _brings_vectors(planned: Planned) -> bool:
    return planned.needs_vectors and planned.record.vector is not None


def _taken(batch: list[Planned], encoder: Encoder) -> list[Prepared]:
    """Return the batch with the vectors that came along, checked, and no others."""
    given = iter(_given(batch, encoder))
    prepared = unprepared(batch, encoder.envelope.dimension)
    for at, planned in enumerate(batch):
        if _brings_vectors(planned):
            record = planned.record
            spans = list(record.spans) or [(0, len(record.text or ""))]
            prepared[at] = Prepared(planned, spans, next(given))
    return prepared


def _given(batch: list[Planned], encoder: Encoder) -> list[FloatArray]:
    """Check the vectors that came along, all in one call; return each record's (n, d), in order."""
    bringing = [planned for planned in batch if _brings_vectors(planned)]
    if not bringing:
        return []
    rows = [np.atleast_2d(np.asarray(planned.record.vector)) for planned in bringing]
    try:
        together = checked(np.concatenate(rows), encoder.envelope)
    except (UnusableVectors, ValueError):  # one by one, to name the record that is at fault
        return [_given_alone(planned, encoder) for planned in bringing]
    return np.split(together, np.cumsum([len(some) for some in rows])[:-1])


def _given_alone(planned: Planned, encoder: Encoder) -> FloatArray:
    try:
        return checked(np.atleast_2d(np.asarray(planned.record.vector)), encoder.envelope)
    except UnusableVectors as error:
        raise BadRecord(
            planned.record.where,
            f"vector: {error}",
            fix=error.fix,
        ) from None


def _assigned(prepared: list[Prepared], encoded: FloatArray) -> list[Prepared]:
    """Give each record that was encoded its rows of `encoded`."""
    assigned = []
    first = 0
    for item in prepared:
        if len(item.spans) > len(item.vectors):
            rows = encoded[first : first + len(item.spans)]
            first += len(item.spans)
            item = Prepared(item.planned, item.spans, rows)  # noqa: PLW2901 - the same item, complete
        assigned.append(item)
    return assigned
