"""Rows of bridges: maps between two spaces of one collection's versions, by their files.

The rule of this file: a map is kept under its direction, and the way back is another row. A row
outlives the versions: partners who know only the old space are brought over by it. Each function
works within its caller's transaction.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BridgeRow:
    """One map from `source` to `target` (space ids): digest and bytes of its adapter file."""

    collection: int
    source: str
    target: str
    adapter: str
    file: bytes


def all_rows(db: sqlite3.Connection) -> list[BridgeRow]:
    """Return every collection's maps."""
    rows = db.execute(
        "SELECT collection, source, target, adapter, file FROM bridges"
        " ORDER BY collection, source, target"
    )
    return [BridgeRow(*row) for row in rows]


def replace(db: sqlite3.Connection, collection: int, rows: Iterable[BridgeRow]) -> None:
    """Keep these maps of a collection in place of those before."""
    db.execute("DELETE FROM bridges WHERE collection = ?", (collection,))
    db.executemany(
        "INSERT INTO bridges (collection, source, target, adapter, file) VALUES (?, ?, ?, ?, ?)",
        [(collection, one.source, one.target, one.adapter, one.file) for one in rows],
    )
