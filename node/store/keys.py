"""The keys that an AUTOINCREMENT table gives next, for rows that are written many at a time.

The rule of this file: whoever takes keys holds the write transaction until the rows have them, so
nobody else takes the same. SQLite remembers the largest key that a table ever had, also one that
was given, so none is used twice (sqlite.org/autoinc.html).
"""

import sqlite3
from typing import Literal


def next_key(db: sqlite3.Connection, table: Literal["documents", "chunks"]) -> int:
    """Return the smallest key that no row of the table ever had; within a write transaction."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 1 if row is None else int(row[0]) + 1
