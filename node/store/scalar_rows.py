"""Rows of what scoring needs of each chunk: its length in a shared space, and how many lie near it.

Derived data: `adapters/corrected.py` makes it of the chunk's vector and a yardstick, which is named
by its digest. A chunk's vector never changes under its key, so a row is never stale; it goes with
its chunk, or with its yardstick. Each function works within its caller's transaction.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ScalarTable:
    """Scalars of n chunks by one yardstick, ascending by chunk key; three arrays (n,)."""

    keys: npt.NDArray[np.int64]
    lengths: FloatArray
    hubness: FloatArray

    def joined(self, later: "ScalarTable") -> "ScalarTable":
        """Return a table with those of `later` too, whose keys are all greater."""
        return ScalarTable(
            np.concatenate([self.keys, later.keys]),
            np.concatenate([self.lengths, later.lengths]),
            np.concatenate([self.hubness, later.hubness]),
        )


def yardstick_key(db: sqlite3.Connection, digest: str) -> int:
    """Return the key of a yardstick's digest, adding it where it is new."""
    db.execute("INSERT OR IGNORE INTO yardsticks (digest) VALUES (?)", (digest,))
    row = db.execute("SELECT key FROM yardsticks WHERE digest = ?", (digest,)).fetchone()
    return int(row[0])


def keep_yardsticks(db: sqlite3.Connection, digests: Collection[str]) -> None:
    """Delete every yardstick but these, with the scalars made by it."""
    known = db.execute("SELECT key, digest FROM yardsticks").fetchall()
    gone = [(key,) for key, digest in known if digest not in digests]
    db.executemany("DELETE FROM chunk_scalars WHERE yardstick = ?", gone)
    db.executemany("DELETE FROM yardsticks WHERE key = ?", gone)


def missing(
    db: sqlite3.Connection, version: int, digest: str, after: int = 0
) -> npt.NDArray[np.int64]:
    """Return the keys of the version's chunks without scalars by this yardstick, ascending.

    Only of those beyond the key `after`, which costs what there are of these.
    """
    # the + keeps SQLite from looking through the whole version by its index
    of_version = "+c.version" if after else "c.version"
    rows = db.execute(
        f"SELECT c.key FROM chunks c WHERE c.key > ? AND {of_version} = ? AND NOT EXISTS (SELECT 1"  # noqa: S608 - `of_version` is one of two texts above
        " FROM chunk_scalars s JOIN yardsticks y ON y.key = s.yardstick"
        " WHERE s.chunk = c.key AND y.digest = ?) ORDER BY c.key",
        (after, version, digest),
    )
    return np.fromiter((key for (key,) in rows), dtype=np.int64)


def insert(db: sqlite3.Connection, digest: str, table: ScalarTable) -> None:
    """Insert scalars of chunks; one that has been deleted meanwhile is passed over."""
    yardstick = yardstick_key(db, digest)
    db.executemany(
        "INSERT OR REPLACE INTO chunk_scalars (chunk, yardstick, length, hubness)"
        " SELECT key, ?, ?, ? FROM chunks WHERE key = ?",
        (
            (yardstick, length, hubness, key)
            for key, length, hubness in zip(
                table.keys.tolist(), table.lengths.tolist(), table.hubness.tolist(), strict=True
            )
        ),
    )


def load(db: sqlite3.Connection, version: int, digest: str) -> ScalarTable:
    """Return all scalars of a version's chunks by one yardstick."""
    rows = db.execute(
        "SELECT s.chunk, s.length, s.hubness FROM chunk_scalars s"
        " JOIN yardsticks y ON y.key = s.yardstick JOIN chunks c ON c.key = s.chunk"
        " WHERE c.version = ? AND y.digest = ? ORDER BY s.chunk",
        (version, digest),
    )
    kinds = [("key", np.int64), ("length", np.float32), ("hubness", np.float32)]
    table = np.fromiter(rows, dtype=kinds)
    return ScalarTable(
        np.ascontiguousarray(table["key"]),
        np.ascontiguousarray(table["length"]),
        np.ascontiguousarray(table["hubness"]),
    )
