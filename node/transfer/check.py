"""The first reading: whether the documents are what the envelope, the counts and the digest say.

The rule of this file: nothing is written, nothing is put right, and the first fault ends it. What
the vectors mean is then shown by encoding some pieces of text again (`prove`).
"""

import asyncio
import hashlib
import heapq
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from node.encoders.encoder import Encoder
from node.encoders.errors import UnusableVectors
from node.encoders.vectors import checked
from node.transfer.errors import NotAsTold
from node.transfer.form import End, FloatArray, Moved, Progress, Source, Tally
from protocol.envelope import Envelope
from protocol.vectors import LENGTH_TOLERANCE

PROBED = 16
"""Pieces of text that are encoded again."""

APART = 0.2
"""How far a vector may lie from the one that is made again, as a share of its length: a cosine of
0.98. Rounding stays far below it; docs/adr/0057."""

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text that came along, with its vector (d,)."""

    id: str
    text: str
    vector: FloatArray


@dataclass(frozen=True, slots=True)
class Checked:
    """What the first reading found; `pieces` to encode again, from all over the source."""

    end: End
    with_text: int
    pieces: tuple[Piece, ...]


def check(source: Source, envelope: Envelope, progress: Progress) -> Checked:
    """Read everything once; blocking.

    Remembers about 100 bytes a document. Raises NotAsTold with the document, SourceUnreadable.
    """
    _require_metric(source, envelope)
    tally, seen, sample, with_text = Tally(source.head), set[bytes](), _Sample(), 0
    for one in source.documents():
        name = hashlib.sha256(one.id.encode("utf-8", "surrogatepass")).digest()
        if name[:_DIGEST_BYTES] in seen:
            raise NotAsTold(f"{one.where}: the id {one.id!r} comes twice")
        seen.add(name[:_DIGEST_BYTES])
        _require_vectors(one, envelope)
        tally.add(one)
        if one.text:
            with_text += 1
            sample.offer(one)
        progress(tally.documents, source.total, "documents checked")
    require_end(source, tally.end)
    return Checked(tally.end, with_text, sample.pieces)


def require_end(source: Source, found: End) -> None:
    """Raise NotAsTold where a source says other counts or another digest than were found."""
    told = source.end()
    if told is None or told == found:
        return
    if (told.documents, told.vectors) != (found.documents, found.vectors):
        raise NotAsTold(
            f"it has {found.documents} documents with {found.vectors} vectors, and its end says "
            f"{told.documents} with {told.vectors}"
        )
    whose = "documents" if told.digest != found.digest else "head"
    raise NotAsTold(f"its digest is not that of its {whose}: something in it was changed")


async def prove(pieces: tuple[Piece, ...], encoder: Encoder) -> int:
    """Encode pieces again and compare; return how many. Raises NotAsTold, EncoderError."""
    if not pieces or not encoder.takes_text:
        return 0
    made = await encoder.encode([piece.text for piece in pieces], "document")
    for piece, again in zip(pieces, made, strict=True):
        apart = float(np.linalg.norm(piece.vector - again) / np.linalg.norm(again))
        if apart > APART:
            raise NotAsTold(
                f"document {piece.id!r}: encoder {encoder.name} makes another vector of its text "
                f"({apart:.2f} of its length apart, {APART} is the most that one model explains)",
                fix="The vectors were made by another model, prompt or pooling than the envelope "
                "says: name the right encoder, or ingest the texts and let this one encode them.",
            )
    return len(pieces)


class _Sample:
    """One piece each of documents drawn by lot, which nobody who makes a file can foresee."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, Piece]] = []

    def offer(self, one: Moved) -> None:
        """Take a document with a text, if the lot falls on it."""
        rank = secrets.randbits(64)
        if len(self._kept) == PROBED and rank <= self._kept[0][0]:
            return
        place, text = secrets.randbelow(len(one.spans)), one.text or ""
        start, stop = one.spans[place]
        if not text[start:stop].strip():
            return
        kept = (rank, Piece(one.id, text[start:stop], np.array(one.vectors[place])))
        if len(self._kept) < PROBED:
            heapq.heappush(self._kept, kept)
        else:
            heapq.heapreplace(self._kept, kept)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return tuple(piece for _, piece in self._kept)


def _require_metric(source: Source, envelope: Envelope) -> None:
    """Vectors of length 1 rank alike by each metric; others do not."""
    metric = source.metric
    if metric in (None, envelope.similarity) or envelope.normalisation == "l2":
        return
    raise NotAsTold(
        f"its index ranks by {metric}, and the envelope says {envelope.similarity}",
        fix="Name an encoder whose envelope says how these vectors are compared.",
    )


def _require_vectors(one: Moved, envelope: Envelope) -> None:
    try:
        checked(one.vectors, envelope)
    except UnusableVectors as error:
        raise NotAsTold(f"{one.where}, document {one.id!r}: {error}", fix=error.fix) from None
    if envelope.normalisation == "l2":
        lengths = np.linalg.norm(one.vectors.astype(np.float64), axis=1)
        worst = float(lengths[np.argmax(np.abs(lengths - 1))])
        if abs(worst - 1) > LENGTH_TOLERANCE:
            raise NotAsTold(
                f"{one.where}, document {one.id!r}: a vector has length {worst:.4f}, and the "
                "envelope says 1 (normalisation l2)",
                fix="Name an encoder whose envelope says normalisation none, or bring the vectors "
                "to length 1 where they come from, if that is what the model's users do.",
            )


class Watched:
    """The second reading: the documents again, which must be the same ones."""

    def __init__(self, source: Source, first: End) -> None:
        self._source = source
        self._first = first

    def __iter__(self) -> Iterator[Moved]:
        tally = Tally(self._source.head)
        for one in self._source.documents():
            tally.add(one)
            yield one
        if tally.end != self._first:
            raise NotAsTold(
                "it changed while it was read",
                fix="Let nothing write to it meanwhile, and import it again into a new collection.",
            )


async def checked_source(source: Source, envelope: Envelope, progress: Progress) -> Checked:
    """Run `check` in a thread, and end it where the caller goes away."""
    gone = False

    def told(done: int, total: int | None, what: str) -> None:
        if gone:
            raise NotAsTold("nobody waits for it any more")
        progress(done, total, what)

    try:
        return await asyncio.to_thread(check, source, envelope, told)
    finally:
        gone = True
