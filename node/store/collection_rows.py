"""Rows of collections and their versions, each function within its caller's transaction."""

import sqlite3
from dataclasses import dataclass

from node.store.errors import StoreError
from protocol.envelope import Envelope


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """One collection with its active version. Times are epoch seconds UTC."""

    key: int
    name: str
    title: str
    description: str
    language: str
    created_at: int
    version_key: int
    encoder: str
    envelope: Envelope

    @property
    def version(self) -> str:
        """Public name of the active version, unique within this node for ever."""
        return f"v{self.version_key}"


_SELECT = """
    SELECT c.key, c.name, c.title, c.description, c.language, c.created_at,
           v.key, v.encoder, v.envelope
    FROM collections c JOIN versions v ON v.collection = c.key AND v.state = 'active'
"""


def insert(
    db: sqlite3.Connection,
    *,
    name: str,
    title: str,
    description: str,
    language: str,
    encoder: str,
    envelope: Envelope,
    at: int,
) -> CollectionRow:
    """Create a collection and its first version, active at once."""
    key = db.execute(
        "INSERT INTO collections (name, title, description, language, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (name, title, description, language, at),
    ).lastrowid
    db.execute(
        "INSERT INTO versions (collection, encoder, envelope, space_id, state, created_at)"
        " VALUES (?, ?, ?, ?, 'active', ?)",
        (key, encoder, envelope.model_dump_json(), envelope.space_id, at),
    )
    row = find(db, name)
    if row is None:  # the two rows above make one; only a broken schema could lose it
        raise StoreError(
            f"collection {name!r} vanished while it was created",
            fix="Check the disk, and create it again.",
        )
    return row


def find(db: sqlite3.Connection, name: str) -> CollectionRow | None:
    """Return the collection of that name, or None."""
    row = db.execute(f"{_SELECT} WHERE c.name = ?", (name,)).fetchone()
    return _row(row) if row else None


def all_rows(db: sqlite3.Connection) -> list[CollectionRow]:
    """Return every collection, by name."""
    return [_row(row) for row in db.execute(f"{_SELECT} ORDER BY c.name")]


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


def _row(row: tuple[int, str, str, str, str, int, int, str, str]) -> CollectionRow:
    return CollectionRow(*row[:8], envelope=Envelope.model_validate_json(row[8]))
