"""witness.db: the largest tree of each partner's log that this node has cosigned.

Rule of this file: a record only grows, by one compare-and-swap, and has reached the disk when
`advance` returns (node/witness/database.py); a cosignature is made after that, or a crash or a
second request would let a log go back behind what was cosigned. It lies apart from log.db, because
it is about others' logs and outlives the own one where that is succeeded. A row belongs to one
pairing: an organisation that was paired with anew, under another root key, begins anew.

Beside it wait forks that are suspected (node/witness/suspicions.py), one of each organisation.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from node.witness.database import transaction
from protocol.checkpoint import Checkpoint, parse_checkpoint
from protocol.note import parse_note


@dataclass(frozen=True)
class Suspected:
    """A fork that lacks a hash: whose, under which pinned root key, and how often it was read for.

    `fork` is a file of evidence (protocol/fork.py) that does not prove itself yet.
    """

    organisation: str
    root: str
    fork: bytes
    attempts: int = 0


class WitnessRecord:
    """What was cosigned; every method may be called from any thread.

    Raises LogUnavailable, or LogTooNew for a file of a later release.
    """

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

    def suspect(self, found: Suspected) -> None:
        """Keep a suspicion in place of the one before of the same organisation."""
        with self._connection() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO suspicions VALUES (?, ?, ?, ?)",
                (found.organisation, found.root, found.fork, found.attempts),
            )

    def tried(self, found: Suspected) -> None:
        """Note that a suspicion's hash was asked for once more, if it still is the newest."""
        with self._connection() as connection:
            connection.execute(
                "UPDATE suspicions SET attempts = attempts + 1 WHERE organisation = ? AND fork = ?",
                (found.organisation, found.fork),
            )

    def forget(self, found: Suspected) -> None:
        """Delete a suspicion that was looked into, if it still is the newest."""
        with self._connection() as connection:
            connection.execute(
                "DELETE FROM suspicions WHERE organisation = ? AND fork = ?",
                (found.organisation, found.fork),
            )

    def suspected(self) -> list[Suspected]:
        """Return what waits."""
        if not self._path.exists():
            return []
        with self._connection() as connection:
            rows = connection.execute("SELECT organisation, root, fork, attempts FROM suspicions")
            return [Suspected(str(o), str(root), bytes(f), int(n)) for o, root, f, n in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._one_at_a_time, transaction(self._path) as connection:
            yield connection
