"""Rows of chunks: one vector of one document in one version, float32 little-endian.

Vectors are stored as the version's space has them; what an index needs besides (unit length, norms)
it derives itself. Each function works within its caller's transaction.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from node.store.errors import StoreError
from node.store.keys import next_key

FloatArray = npt.NDArray[np.float32]
Span = tuple[int, int]
Pieces = tuple[int, Sequence[Span]]
"""A document's key, and the character ranges of its text that have vectors, in order."""

_MAX_VARIABLES = 500  # placeholders in one statement, well below SQLite's limit
_LITTLE_ENDIAN = np.dtype("<f4")


@dataclass(frozen=True, slots=True, eq=False)
class LiveChunks:
    """Every chunk of a version, ordered by key: three arrays of one length n.

    `keys` (n,) int64, `documents` (n,) int64 document keys, `label_sets` (n,) int32.
    """

    keys: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]
    label_sets: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class FirstPiece:
    """A document's first vector (d,), and the span that it is of in the text, or in the source's.

    See `version_rows.Waiting` for `uri` and `source`.
    """

    document: int
    text: str | None
    uri: str | None
    source: bytes | None
    start: int
    stop: int
    vector: FloatArray


def insert(
    db: sqlite3.Connection, version: int, pieces: Sequence[Pieces], vectors: FloatArray
) -> list[int]:
    """Insert the chunks of some documents in order; return their keys, ascending.

    `vectors` (n, d) holds those of all pieces, one after the other.
    """
    if sum(len(spans) for _, spans in pieces) != len(vectors):
        raise ValueError("each piece has one vector")
    first = next_key(db, "chunks")
    width = vectors.shape[1] * _LITTLE_ENDIAN.itemsize
    raw = vectors.astype(_LITTLE_ENDIAN, copy=False).tobytes()
    places = (
        (document, ordinal, *span)
        for document, spans in pieces
        for ordinal, span in enumerate(spans)
    )
    db.executemany(
        "INSERT INTO chunks (key, version, document, ordinal, start, stop, vector)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (first + at, version, *place, raw[at * width : (at + 1) * width])
            for at, place in enumerate(places)
        ),
    )
    return list(range(first, first + len(vectors)))


def covered_among(db: sqlite3.Connection, version: int, documents: Iterable[int]) -> frozenset[int]:
    """Return those of the documents, by key, that have vectors in a version."""
    rows = db.execute(
        "SELECT DISTINCT document FROM chunks WHERE version = ?"
        " AND document IN (SELECT value FROM json_each(?))",
        (version, json.dumps(list(documents))),
    )
    return frozenset(key for (key,) in rows)


def sample_firsts(db: sqlite3.Connection, version: int, count: int) -> list[FirstPiece]:
    """Return at most so many documents by their first vectors, spread evenly over a version."""
    keys = [
        key
        for (key,) in db.execute(
            "SELECT key FROM chunks WHERE version = ? AND ordinal = 0 ORDER BY document", (version,)
        )
    ]
    chosen = [keys[at * len(keys) // count] for at in range(count)] if len(keys) > count else keys
    one = (
        "SELECT c.document, d.text, d.uri, d.source, c.start, c.stop, c.vector"
        " FROM chunks c JOIN documents d ON d.key = c.document WHERE c.key = ?"
    )
    found = (db.execute(one, (key,)).fetchone() for key in chosen)
    return [
        FirstPiece(document, text, uri, source, start, stop, np.frombuffer(raw, _LITTLE_ENDIAN))
        for document, text, uri, source, start, stop, raw in found
    ]


def same_pieces(
    db: sqlite3.Connection, version: int, documents: Iterable[int], of: int
) -> dict[int, FloatArray]:
    """Return by document the first vector in a version, where that in `of` is of the same piece."""
    rows = db.execute(
        "SELECT c.document, c.vector FROM chunks c JOIN chunks o"
        " ON o.version = ? AND o.document = c.document AND o.ordinal = 0"
        " WHERE c.version = ? AND c.ordinal = 0 AND c.start = o.start AND c.stop = o.stop"
        " AND c.document IN (SELECT value FROM json_each(?))",
        (of, version, json.dumps(list(documents))),
    )
    return {key: np.frombuffer(vector, _LITTLE_ENDIAN) for key, vector in rows}


def keys_of(db: sqlite3.Connection, version: int, document: int) -> list[int]:
    """Return the keys of a document's chunks."""
    rows = db.execute(
        "SELECT key FROM chunks WHERE version = ? AND document = ? ORDER BY ordinal",
        (version, document),
    )
    return [key for (key,) in rows]


def of_document(
    db: sqlite3.Connection, version: int, document: int, dimension: int
) -> tuple[list[Span], FloatArray]:
    """Return a document's spans and its vectors (n, d), in order."""
    rows = db.execute(
        "SELECT start, stop, vector FROM chunks WHERE version = ? AND document = ?"
        " ORDER BY ordinal",
        (version, document),
    ).fetchall()
    return [(start, stop) for start, stop, _ in rows], _matrix((row[2] for row in rows), dimension)


def delete_of(db: sqlite3.Connection, version: int, documents: Iterable[int]) -> list[int]:
    """Delete the chunks of documents with their vectors; return the keys that they had."""
    rows = db.execute(
        "DELETE FROM chunks WHERE version = ? AND document IN (SELECT value FROM json_each(?))"
        " RETURNING key",
        (version, json.dumps(list(documents))),
    )
    return [key for (key,) in rows]


def live(db: sqlite3.Connection, version: int) -> LiveChunks:
    """Return every chunk of the version."""
    rows = db.execute(
        "SELECT c.key, c.document, d.label_set FROM chunks c"
        " JOIN documents d ON d.key = c.document WHERE c.version = ?",
        (version,),
    )
    table = np.fromiter(
        rows, dtype=[("key", np.int64), ("document", np.int64), ("label_set", np.int32)]
    )
    order = np.argsort(table["key"])  # numbers alone: whole rows would be compared in the lock
    return LiveChunks(
        keys=table["key"][order],
        documents=table["document"][order],
        label_sets=table["label_set"][order],
    )


def vectors(
    db: sqlite3.Connection, keys: npt.NDArray[np.int64], dimension: int
) -> Iterator[FloatArray]:
    """Yield the vectors of `keys` (ascending) in that order, in blocks of at most 500 rows.

    Raises StoreError when one is missing or has another width.
    """
    for first in range(0, len(keys), _MAX_VARIABLES):
        some = keys[first : first + _MAX_VARIABLES]
        found, block = present(db, some, dimension)
        if len(found) != len(some):
            raise StoreError(
                "chunks are missing from store.db",
                fix="Restore it from a backup.",
            )
        yield block


def present(
    db: sqlite3.Connection, keys: npt.NDArray[np.int64], dimension: int
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return those of at most 500 keys whose chunks are there, ascending, with their vectors.

    Raises StoreError when one has another width.
    """
    marks = ",".join("?" * len(keys))
    rows = db.execute(
        f"SELECT key, vector FROM chunks WHERE key IN ({marks}) ORDER BY key",  # noqa: S608 - `marks` holds only question marks
        keys.tolist(),
    ).fetchall()
    found = np.array([key for key, _ in rows], dtype=np.int64)
    return found, _matrix((vector for _, vector in rows), dimension)


def _matrix(blobs: Iterable[bytes], dimension: int) -> FloatArray:
    joined = np.frombuffer(b"".join(blobs), dtype=_LITTLE_ENDIAN)
    if joined.size % dimension:
        raise StoreError(
            "a vector in store.db has another width than its collection's space",
            fix="Restore store.db from a backup.",
        )
    return joined.reshape(-1, dimension).astype(np.float32, copy=False)
