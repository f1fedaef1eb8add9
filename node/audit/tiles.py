"""The checkpoint, tiles of hashes and bundles of entries of log.db, as C2SP tlog-tiles serves them.

Rule of this file: everything is read from the committed log on a connection of its own, so that
reading delays no answer; a checkpoint is there as it was signed, and a tile or bundle as soon as a
signed tree has all of it.
"""

import sqlite3
from pathlib import Path

from node.audit import schema, tree_rows
from node.audit.errors import LogDamaged
from protocol.merkle import position
from protocol.tiles import Tile, encode_entries

CHECKPOINT_TYPE = "text/plain; charset=utf-8"
TILE_TYPE = "application/octet-stream"
CHANGES = (("Cache-Control", "private, no-cache"),)
"""For the checkpoint. `private`: whoever asks was authenticated, so no cache may share it."""
STAYS = (("Cache-Control", "private, max-age=31536000, immutable"),)
"""For tiles and bundles."""


def checkpoint(path: Path) -> bytes:
    """Return the newest signed checkpoint; raises LogDamaged or LogUnavailable."""
    with schema.snapshot(path) as connection:
        return _newest(connection)[1]


def read(path: Path, tile: Tile) -> bytes | None:
    """Return a tile or bundle, None where the newest signed tree has not all of it.

    Raises LogDamaged or LogUnavailable.
    """
    with schema.snapshot(path) as connection:
        if not tile.is_in(_newest(connection)[0]):
            return None
        return _entries(connection, tile) if tile.level is None else _hashes(connection, tile)


def _newest(connection: sqlite3.Connection) -> tuple[int, bytes]:
    newest = tree_rows.newest_note(connection)
    if newest is None:
        raise LogDamaged("The log has no checkpoint.")
    return newest


def _hashes(connection: sqlite3.Connection, tile: Tile) -> bytes:
    wanted = [position(level, index) for level, index in tile.nodes()]
    marks = ", ".join("?" * len(wanted))
    rows = connection.execute(
        f"SELECT hash FROM nodes WHERE position IN ({marks}) ORDER BY position",  # noqa: S608 - question marks alone
        wanted,
    )
    return b"".join(_whole(rows, tile))


def _entries(connection: sqlite3.Connection, tile: Tile) -> bytes:
    rows = connection.execute(
        "SELECT data FROM leaves WHERE idx >= ? AND idx < ? ORDER BY idx",
        (tile.first, tile.first + tile.width),
    )
    return encode_entries(_whole(rows, tile))


def _whole(rows: sqlite3.Cursor, tile: Tile) -> list[bytes]:
    found = [bytes(row[0]) for row in rows]
    if len(found) != tile.width:
        raise LogDamaged(f"{tile.width - len(found)} rows of {tile.path} are missing from log.db.")
    return found
