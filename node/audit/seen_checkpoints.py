"""The largest checkpoint that was seen of each partner's log.

Rule of this file: it only grows, in the transaction of the leaf that says what came with it. It
answers a partner that asks how far its log was seen (`protocol.held_message`), and tells an answer
from a log that went back: what was appended after a checkpoint lies behind it.
"""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class SeenCheckpoint:
    """A verified checkpoint of the log ``origin`` of ``peer``: its size, and the signed note."""

    origin: str
    peer: str
    size: int
    note: bytes


def keep(connection: sqlite3.Connection, seen: SeenCheckpoint) -> None:
    """Keep the checkpoint unless a larger one of the same log is held."""
    connection.execute(
        "INSERT INTO seen_checkpoints VALUES (?, ?, ?, ?) "
        "ON CONFLICT (origin) DO UPDATE SET peer = excluded.peer, size = excluded.size, "
        "note = excluded.note WHERE excluded.size > size",
        (seen.origin, seen.peer, seen.size, seen.note),
    )


def find(connection: sqlite3.Connection, origin: str) -> SeenCheckpoint | None:
    """Return the largest checkpoint that was seen of the log ``origin``."""
    row = connection.execute(
        "SELECT peer, size, note FROM seen_checkpoints WHERE origin = ?", (origin,)
    ).fetchone()
    return SeenCheckpoint(origin, str(row[0]), int(row[1]), bytes(row[2])) if row else None
