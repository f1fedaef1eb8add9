"""Rows of collections, each function within its caller's transaction."""

import sqlite3
from dataclasses import dataclass

from node.store.errors import StoreError


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """One collection. Times are epoch seconds UTC."""

    key: int
    name: str
    title: str
    description: str
    language: str
    created_at: int


_SELECT = "SELECT key, name, title, description, language, created_at FROM collections"


def insert(
    db: sqlite3.Connection,
    *,
    name: str,
    title: str,
    description: str,
    language: str,
    at: int,
) -> CollectionRow:
    """Create a collection; it has no version yet."""
    row = db.execute(
        "INSERT INTO collections (name, title, description, language, created_at)"
        " VALUES (?, ?, ?, ?, ?)"
        " RETURNING key, name, title, description, language, created_at",
        (name, title, description, language, at),
    ).fetchone()
    return CollectionRow(*row)


def all_rows(db: sqlite3.Connection) -> list[CollectionRow]:
    """Return every collection, by name."""
    return [CollectionRow(*row) for row in db.execute(f"{_SELECT} ORDER BY name")]


def delete(db: sqlite3.Connection, key: int) -> None:
    """Delete the collection with its versions, documents and vectors."""
    db.execute("DELETE FROM collections WHERE key = ?", (key,))


def next_sequence(db: sqlite3.Connection, key: int) -> int:
    """Count one more change of the collection and return its number."""
    row = db.execute(
        "UPDATE collections SET sequence = sequence + 1 WHERE key = ? RETURNING sequence", (key,)
    ).fetchone()
    if row is None:
        raise StoreError(
            "the collection was dropped meanwhile, so nothing was written",
            fix=(
                "Create it again if that was a mistake; `interlingua collection list` shows "
                "those there are."
            ),
        )
    return int(row[0])


def sequence(db: sqlite3.Connection, key: int) -> int:
    """Return the number of the collection's last change."""
    row = db.execute("SELECT sequence FROM collections WHERE key = ?", (key,)).fetchone()
    return int(row[0]) if row else 0


def store_id(db: sqlite3.Connection) -> str:
    """Return the random identity that this store.db got when it was created."""
    return str(db.execute("SELECT id FROM store_identity").fetchone()[0])
