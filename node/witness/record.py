"""witness.db: the largest tree of each partner's log that this node has cosigned.

Rule of this file: a record only grows, by one compare-and-swap, and has reached the disk when
`advance` returns (synchronous=FULL); a cosignature is made after that, or a crash or a second
request would let a log go back behind what was cosigned. It lies apart from log.db, because it is
about others' logs and outlives the own one where that is succeeded. A row belongs to one pairing:
an organisation that was paired with anew, under another root key, begins anew.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from node.audit.errors import LogUnavailable
from protocol.checkpoint import Checkpoint, parse_checkpoint
from protocol.note import parse_note

_TABLE = """
CREATE TABLE IF NOT EXISTS cosigned (
    origin TEXT NOT NULL, root TEXT NOT NULL, size INTEGER NOT NULL, hash BLOB NOT NULL,
    note BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (origin, root)
) STRICT, WITHOUT ROWID
"""
BUSY_MS = 5_000


class WitnessRecord:
    """What was cosigned; every method may be called from any thread and raises LogUnavailable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._one_at_a_time = threading.Lock()

    def latest(self, origin: str, root: str) -> tuple[Checkpoint, bytes] | None:
        """Return the checkpoint cosigned last and its note; `root`: id of the pinned root key."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT note FROM cosigned WHERE origin = ? AND root = ?", (origin, root)
            ).fetchone()
        return (parse_checkpoint(parse_note(row[0]).text), bytes(row[0])) if row else None

    def advance(self, root: str, old: int, new: Checkpoint, note: bytes, at: int) -> bool:
        """Take `new` (signed in `note`) for the latest if `old` leaves still are the latest's.

        Tells whether it was so; else another request was faster and nothing was written.
        """
        with self._connection() as connection:
            if old == 0:
                connection.execute(
                    "INSERT OR IGNORE INTO cosigned VALUES (?, ?, 0, x'', x'', 0)",
                    (new.origin, root),
                )
            # Compare and swap: without the old size in the WHERE, of two requests that were both
            # judged against the same tree the smaller one could be written last.
            swapped = connection.execute(
                "UPDATE cosigned SET size = ?, hash = ?, note = ?, at = ? "
                "WHERE origin = ? AND root = ? AND size = ?",
                (new.size, new.root, note, at, new.origin, root, old),
            )
            return swapped.rowcount == 1

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return size and time (epoch seconds) of what was cosigned last, by log."""
        if not self._path.exists():
            return {}
        with self._connection() as connection:
            rows = connection.execute("SELECT origin, size, at FROM cosigned ORDER BY at")
            return {str(origin): (int(size), int(at)) for origin, size, at in rows}

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction of its own, committed to the disk at the end."""
        with self._one_at_a_time:
            try:
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
                    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
                    connection.execute("PRAGMA synchronous=FULL")
                    connection.execute(_TABLE)
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    connection.execute("COMMIT")
            except (sqlite3.Error, OSError) as error:
                raise LogUnavailable(f"{self._path} cannot be read or written: {error}.") from error
