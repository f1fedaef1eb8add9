"""Rows of versions: one index of a collection's documents in one space.

`building`: documents without vectors are being encoded. `shadow`: was complete and is kept up to
date. `serving`: answers. `retired`: vectors are deleted, the row stays for the register. At most
one version of a collection serves, which the schema holds. Each function works within its caller's
transaction.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from node.store.errors import StoreError
from protocol.envelope import Envelope

State = Literal["building", "shadow", "serving", "retired"]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version. `name` is its collection's; `rate`: documents a second at most, 0: any number.

    `training_cutoff` and `fine_tuning` are what was stated of the model when its encoder was added.
    Times are epoch seconds UTC.
    """

    key: int
    collection: int
    name: str
    encoder: str
    state: State
    rate: int
    created_at: int
    training_cutoff: str | None
    fine_tuning: str | None
    envelope: Envelope

    @property
    def version(self) -> str:
        """Public name, unique within this node for ever."""
        return f"v{self.key}"

    @property
    def space_id(self) -> str:
        """The id of its space."""
        return self.envelope.space_id


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many documents have vectors in a version, of how many; `chunks` counts those vectors."""

    covered: int
    documents: int
    chunks: int

    @property
    def missing(self) -> int:
        """Documents without vectors."""
        return self.documents - self.covered

    @property
    def share(self) -> float:
        """Which part of the documents is covered, 0 to 1; an empty collection is covered whole."""
        return self.covered / self.documents if self.documents else 1.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document without vectors in a version; `sequence` tells whether it changed meanwhile.

    Where `source` is set, the text is what `uri` gives, whose bytes have that SHA-256.
    """

    key: int
    external_id: str
    text: str | None
    sequence: int
    uri: str | None = None
    source: bytes | None = None


_SELECT = """
    SELECT v.key, v.collection, c.name, v.encoder, v.state, v.rate, v.created_at,
           v.training_cutoff, v.fine_tuning, v.envelope
    FROM versions v JOIN collections c ON c.key = v.collection
"""
_WITHOUT_VECTORS = (
    "NOT EXISTS (SELECT 1 FROM chunks c WHERE c.version = :version AND c.document = d.key)"
)


def insert(
    db: sqlite3.Connection,
    collection: int,
    encoder: str,
    envelope: Envelope,
    state: State,
    at: int,
    rate: int = 0,
) -> VersionRow:
    """Add a version without vectors. Raises StoreError where the encoder was removed meanwhile."""
    added = db.execute(
        "INSERT INTO versions (collection, encoder, envelope, space_id, state, created_at, rate,"
        " training_cutoff, fine_tuning)"
        " SELECT ?, name, ?, ?, ?, ?, ?, training_cutoff, fine_tuning FROM encoders WHERE name = ?",
        (collection, envelope.model_dump_json(), envelope.space_id, state, at, rate, encoder),
    )
    if not added.rowcount:
        raise StoreError(f"encoder {encoder!r} was removed meanwhile", fix="Add it again.")
    return _row(db.execute(f"{_SELECT} WHERE v.key = ?", (added.lastrowid,)).fetchone())


def all_rows(db: sqlite3.Connection) -> list[VersionRow]:
    """Return every version of every collection, oldest first."""
    return [_row(row) for row in db.execute(f"{_SELECT} ORDER BY v.key")]


def set_state(db: sqlite3.Connection, key: int, state: State) -> None:
    """Put a version in another state."""
    db.execute("UPDATE versions SET state = ? WHERE key = ?", (state, key))


def is_kept(db: sqlite3.Connection, key: int) -> bool:
    """Return whether a version is there and not retired."""
    row = db.execute("SELECT state FROM versions WHERE key = ?", (key,)).fetchone()
    return row is not None and row[0] != "retired"


def of_collection(db: sqlite3.Connection, collection: int) -> list[VersionRow]:
    """Return every version of a collection, oldest first."""
    rows = db.execute(f"{_SELECT} WHERE v.collection = ? ORDER BY v.key", (collection,))
    return [_row(row) for row in rows]


def is_only(db: sqlite3.Connection, collection: int) -> bool:
    """Return whether a collection never had but one version."""
    row = db.execute("SELECT count(*) FROM versions WHERE collection = ?", (collection,)).fetchone()
    return int(row[0]) == 1


def purgeable(db: sqlite3.Connection) -> list[int]:
    """Return the retired versions that still have vectors."""
    rows = db.execute(
        "SELECT key FROM versions v WHERE state = 'retired'"
        " AND EXISTS (SELECT 1 FROM chunks WHERE version = v.key)"
    )
    return [key for (key,) in rows]


def delete(db: sqlite3.Connection, key: int) -> None:
    """Delete a version with its vectors and its history."""
    db.execute("DELETE FROM versions WHERE key = ?", (key,))


def coverage(db: sqlite3.Connection, collection: int, key: int) -> Coverage:
    """Return how far a version covers its collection."""
    (documents,) = db.execute(
        "SELECT count(*) FROM documents WHERE collection = ?", (collection,)
    ).fetchone()
    covered, chunks = db.execute(
        "SELECT count(DISTINCT document), count(*) FROM chunks WHERE version = ?", (key,)
    ).fetchone()
    return Coverage(covered, documents, chunks)


def waiting(
    db: sqlite3.Connection, collection: int, key: int, after: int, limit: int
) -> list[Waiting]:
    """Return the next documents without vectors in a version, by ascending key beyond `after`."""
    rows = db.execute(
        "SELECT d.key, d.external_id, d.text, d.sequence, d.uri, d.source FROM documents d"  # noqa: S608 - a text of this file
        f" WHERE d.collection = :collection AND d.key > :after AND {_WITHOUT_VECTORS}"
        " ORDER BY d.key LIMIT :limit",
        {"collection": collection, "version": key, "after": after, "limit": limit},
    )
    return [Waiting(*row) for row in rows]


def waiting_among(db: sqlite3.Connection, key: int, documents: Sequence[int]) -> list[Waiting]:
    """Return those of the documents, by key, without vectors in a version, in the given order."""
    if not documents:
        return []
    rows = db.execute(
        "SELECT d.key, d.external_id, d.text, d.sequence, d.uri, d.source"  # noqa: S608 - a text of this file
        " FROM json_each(:documents) j JOIN documents d ON d.key = j.value"
        " JOIN versions v ON v.key = :version AND v.collection = d.collection"
        f" WHERE {_WITHOUT_VECTORS} ORDER BY j.key",
        {"documents": json.dumps(list(documents)), "version": key},
    )
    return [Waiting(*row) for row in rows]


def still_waiting(db: sqlite3.Connection, key: int, document: Waiting) -> int | None:
    """Return the label set of a document that is as it was, still without vectors; else None."""
    row = db.execute(
        "SELECT d.label_set FROM documents d"  # noqa: S608 - a text of this file
        f" WHERE d.key = :document AND d.sequence = :sequence AND {_WITHOUT_VECTORS}",
        {"document": document.key, "sequence": document.sequence, "version": key},
    ).fetchone()
    return None if row is None else int(row[0])


def without_text(db: sqlite3.Connection, collection: int, limit: int) -> tuple[int, list[str]]:
    """Return how many documents have no text here or behind a URI, and the first ids of them."""
    (count,) = db.execute(
        "SELECT count(*) FROM documents WHERE collection = ? AND text IS NULL AND source IS NULL",
        (collection,),
    ).fetchone()
    rows = db.execute(
        "SELECT external_id FROM documents WHERE collection = ? AND text IS NULL"
        " AND source IS NULL ORDER BY key LIMIT ?",
        (collection, limit),
    )
    return int(count), [external_id for (external_id,) in rows]


def by_uri(db: sqlite3.Connection, collection: int) -> Iterator[tuple[str, str]]:
    """Yield id and URI of the documents whose texts are read from there."""
    yield from db.execute(
        "SELECT external_id, uri FROM documents WHERE collection = ? AND source IS NOT NULL"
        " ORDER BY key",
        (collection,),
    )


def sample(db: sqlite3.Connection, collection: int, count: int) -> list[Waiting]:
    """Return at most so many documents with a text, spread evenly over the collection."""
    keys = [
        key
        for (key,) in db.execute(
            "SELECT key FROM documents WHERE collection = ?"
            " AND (text <> '' OR source IS NOT NULL) ORDER BY key",
            (collection,),
        )
    ]
    chosen = [keys[at * len(keys) // count] for at in range(count)] if len(keys) > count else keys
    one = "SELECT key, external_id, text, sequence, uri, source FROM documents WHERE key = ?"
    return [Waiting(*db.execute(one, (key,)).fetchone()) for key in chosen]


def delete_some_chunks(db: sqlite3.Connection, key: int, limit: int) -> int:
    """Delete at most so many of a version's vectors; return how many there were."""
    return db.execute(
        "DELETE FROM chunks WHERE key IN (SELECT key FROM chunks WHERE version = ? LIMIT ?)",
        (key, limit),
    ).rowcount


def _row(
    row: tuple[int, int, str, str, State, int, int, str | None, str | None, str],
) -> VersionRow:
    return VersionRow(*row[:9], envelope=Envelope.model_validate_json(row[9]))
