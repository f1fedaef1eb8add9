"""content.db: what is kept of exchanges, sealed, and where the key of each record lies.

Rule of this file: nothing here can be read without content_keys.db, and nothing here is waited for:
commits go to the operating system and not through it (synchronous=NORMAL). They survive the end of
the process; the last ones may be missing after a power cut.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from node.content.database import named, open_database, transaction

KIND = 0x494C434F  # "ILCO"
_DELETED_AT_ONCE = 500

_V1 = """
CREATE TABLE records (
    slot INTEGER PRIMARY KEY, idx INTEGER NOT NULL, kind TEXT NOT NULL, peer TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX records_by_idx ON records (idx);
CREATE TABLE sealed (slot INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its key's slot, its leaf's index, what it is, the partner, the leaf's time."""

    slot: int
    idx: int
    kind: str
    peer: str
    at: int


class RecordStore:
    """The open file; any thread may call any method."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._db = open_database(path, KIND, (_V1,), "NORMAL")
        with named(path):
            self._counts = self._count()

    def add(self, records: Iterable[tuple[Row, bytes | None]]) -> None:
        """Write records with what is sealed of them, None where nothing is kept but the key."""
        found = list(records)
        with self._using() as db, transaction(db):
            db.executemany(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)",
                [(row.slot, row.idx, row.kind, row.peer, row.at) for row, _ in found],
            )
            db.executemany(
                "INSERT OR REPLACE INTO sealed VALUES (?, ?)",
                [(row.slot, data) for row, data in found if data is not None],
            )
            self._counts.update(row.kind for row, _ in found)

    def of_leaf(self, index: int) -> list[tuple[Row, bytes | None]]:
        """Return the records of a leaf."""
        with self._using() as db:
            rows = db.execute(
                "SELECT slot, idx, kind, peer, at, data FROM records LEFT JOIN sealed USING (slot) "
                "WHERE idx = ? ORDER BY slot",
                (index,),
            ).fetchall()
        return [(_row(row[:5]), bytes(row[5]) if row[5] is not None else None) for row in rows]

    def rows(self, kinds: Sequence[str], peer: str | None) -> list[Row]:
        """Return the records of these kinds, and of one partner where it is named, by index."""
        with self._using() as db:
            found = db.execute(
                f"SELECT slot, idx, kind, peer, at FROM records WHERE kind IN ({_marks(kinds)}) "  # noqa: S608 - only question marks
                "AND (? IS NULL OR peer = ?) ORDER BY idx, slot",
                (*kinds, peer, peer),
            )
            return [_row(row) for row in found]

    def any_older(self, kind: str, before: int) -> bool:
        """Whether a record of this kind is older than a moment (epoch seconds, UTC)."""
        with self._using() as db:
            found = db.execute(
                "SELECT 1 FROM records WHERE kind = ? AND at < ? ORDER BY idx LIMIT 1",
                (kind, before),
            )
            return found.fetchone() is not None

    def oldest(self, kind: str) -> int | None:
        """Return the time of the oldest record of a kind."""
        with self._using() as db:
            row = db.execute("SELECT min(at) FROM records WHERE kind = ?", (kind,)).fetchone()
            return None if row[0] is None else int(row[0])

    def counts(self) -> dict[str, int]:
        """Return how many records of each kind there are; counted as they come and go."""
        with self._lock:
            return {kind: count for kind, count in self._counts.items() if count}

    def _count(self) -> Counter[str]:
        rows = self._db.execute("SELECT kind, count(*) FROM records GROUP BY kind")
        return Counter({str(kind): int(count) for kind, count in rows})

    def slots_after(self, slot: int) -> set[int]:
        """Return the slots beyond this one that a record has."""
        with self._using() as db:
            rows = db.execute("SELECT slot FROM records WHERE slot > ?", (slot,))
            return {int(row[0]) for row in rows}

    def from_index(self, index: int) -> list[int]:
        """Return the slots of the records of this leaf and later ones."""
        with self._using() as db:
            rows = db.execute("SELECT slot FROM records WHERE idx >= ?", (index,))
            return [int(row[0]) for row in rows]

    @property
    def last_slot(self) -> int:
        """The largest slot of a record."""
        with self._using() as db:
            return int(db.execute("SELECT coalesce(max(slot), 0) FROM records").fetchone()[0])

    def delete(self, slots: Sequence[int]) -> None:
        """Delete records."""
        with self._using() as db, transaction(db):
            for at in range(0, len(slots), _DELETED_AT_ONCE):
                some = slots[at : at + _DELETED_AT_ONCE]
                for table in ("records", "sealed"):
                    db.execute(
                        f"DELETE FROM {table} WHERE slot IN ({_marks(some)})",  # noqa: S608 - one of two names, question marks
                        tuple(some),
                    )
            self._counts = self._count()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock, named(self.path):
            yield self._db


def _row(row: tuple[int, int, str, str, int]) -> Row:
    return Row(*row)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
