"""Checkpoints of this log with the cosignatures of witnesses, and receipts under such checkpoints.

Rule of this file: rows are proofs that verify by themselves, so nothing in them is believed for
lying here. Of the own checkpoints those are kept that no later one replaces: a smaller tree stays
only while somebody cosigned it who cosigned no larger one.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from protocol.note import parse_note


@dataclass(frozen=True)
class CosignedCheckpoint:
    """A checkpoint of this log and the names of whoever cosigned it."""

    size: int
    note: bytes
    names: frozenset[str]


@dataclass(frozen=True)
class UnwitnessedReceipt:
    """A partner's kept receipt that no witnessed proof has followed yet."""

    index: int
    leaf: bytes
    proof: bytes


def keep_checkpoint(connection: sqlite3.Connection, size: int, note: bytes) -> None:
    """Keep a cosigned checkpoint, in place of the smaller ones that say no more."""
    new = _read(size, note)
    for before in checkpoints(connection):
        if before.size <= size and before.names <= new.names:
            connection.execute("DELETE FROM cosigned_checkpoints WHERE size = ?", (before.size,))
    connection.execute("INSERT OR REPLACE INTO cosigned_checkpoints VALUES (?, ?)", (size, note))


def checkpoints(connection: sqlite3.Connection) -> list[CosignedCheckpoint]:
    """Return what is kept, the largest tree first."""
    if not _has_tables(connection):
        return []
    rows = connection.execute("SELECT size, note FROM cosigned_checkpoints ORDER BY size DESC")
    return [_read(int(size), bytes(note)) for size, note in rows]


def covering(connection: sqlite3.Connection, index: int) -> tuple[int, bytes] | None:
    """Return the cosigned checkpoint over a leaf that most cosigned, the newest of these."""
    kept = [one for one in checkpoints(connection) if one.size > index]
    found = max(kept, key=lambda one: len(one.names), default=None)
    return (found.size, found.note) if found is not None else None


def keep_receipts(connection: sqlite3.Connection, proofs: Iterable[tuple[int, bytes]]) -> None:
    """Keep the witnessed tlog-proofs of partners' leaves, by the index of the `received` leaf."""
    connection.executemany("INSERT OR REPLACE INTO witnessed_receipts VALUES (?, ?)", proofs)


def receipt(connection: sqlite3.Connection, index: int) -> bytes | None:
    """Return the witnessed tlog-proof that followed the receipt of a `received` leaf."""
    if not _has_tables(connection):
        return None
    row = connection.execute(
        "SELECT proof FROM witnessed_receipts WHERE idx = ?", (index,)
    ).fetchone()
    return bytes(row[0]) if row else None


def unwitnessed(
    connection: sqlite3.Connection, peer: str, first: int, most: int
) -> list[UnwitnessedReceipt]:
    """Return the oldest of a partner's receipts from leaf `first` on that none has followed."""
    rows = connection.execute(
        "SELECT k.idx, k.leaf, k.proof FROM kept_receipts k LEFT JOIN witnessed_receipts w "
        "USING (idx) WHERE k.idx >= ? AND k.peer = ? AND w.idx IS NULL ORDER BY k.idx LIMIT ?",
        (first, peer, most),
    )
    return [UnwitnessedReceipt(int(i), bytes(leaf), bytes(proof)) for i, leaf, proof in rows]


def _read(size: int, note: bytes) -> CosignedCheckpoint:
    parsed = parse_note(note)
    origin = parsed.text.partition("\n")[0]
    names = frozenset(line.name for line in parsed.signatures if line.name != origin)
    return CosignedCheckpoint(size, note, names)


def _has_tables(connection: sqlite3.Connection) -> bool:
    """Whether the log is of a release that knows witnesses; older copies are read too."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE name = 'cosigned_checkpoints'"
    ).fetchone()
    return found is not None
