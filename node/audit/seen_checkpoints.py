"""The largest checkpoint that was seen of each partner's log.

Rule of this file: it only grows, in the transaction of the leaf that says what came with it. It
answers a partner that asks how far its log was seen (`protocol.held_message`), and tells an answer
from a log that went back: what was appended after a checkpoint lies behind it. A row belongs to one
pairing, named by partner and pinned root key: no partner reaches another one's, and an organisation
that began anew with new keys has a new one.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from node.audit import many_rows


@dataclass(frozen=True)
class SeenCheckpoint:
    """A verified checkpoint of the log ``origin`` of ``peer``: its size, and the signed note.

    ``root`` is the id of the root key that the pairing pinned.
    """

    peer: str
    root: str
    origin: str
    size: int
    note: bytes


def keep(connection: sqlite3.Connection, seen: Sequence[SeenCheckpoint]) -> None:
    """Keep each checkpoint unless a larger one of the same log is held."""
    many_rows.insert(
        connection,
        "INTO seen_checkpoints",
        [(each.peer, each.root, each.origin, each.size, each.note) for each in seen],
        "ON CONFLICT (peer, root, origin) DO UPDATE SET size = excluded.size, "
        "note = excluded.note WHERE excluded.size > size",
    )


def find(
    connection: sqlite3.Connection, peer: str, root: str, origin: str
) -> SeenCheckpoint | None:
    """Return the largest checkpoint that was seen of the log ``origin`` of a pairing."""
    row = connection.execute(
        "SELECT size, note FROM seen_checkpoints WHERE peer = ? AND root = ? AND origin = ?",
        (peer, root, origin),
    ).fetchone()
    return SeenCheckpoint(peer, root, origin, int(row[0]), bytes(row[1])) if row else None
