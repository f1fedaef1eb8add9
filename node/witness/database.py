"""witness.db: its tables, how each version is made of the one before, and opening it.

Rule of this file: what a block did has reached the disk when the block has ended
(synchronous=FULL), or nothing of it has; a file of another kind or of a later version is never
touched. A step that was released is never changed; steps are only ever added at the end.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from node.audit.errors import LogTooNew, LogUnavailable

KIND = 0x494C5754  # "ILWT"
BUSY_MS = 5_000

_V1 = """
CREATE TABLE IF NOT EXISTS cosigned (
    origin TEXT NOT NULL, root TEXT NOT NULL, size INTEGER NOT NULL, hash BLOB NOT NULL,
    note BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (origin, root)
) STRICT, WITHOUT ROWID
"""
"""Before files had a number they had this table already."""
_V2 = """
CREATE TABLE suspicions (
    organisation TEXT PRIMARY KEY, root TEXT NOT NULL, fork BLOB NOT NULL, attempts INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""
STEPS = (_V1, _V2)


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in a transaction of its own, committed to the disk at the end.

    Makes the file where there is none. Raises LogUnavailable, or LogTooNew for a later release's.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            _bring_forward(connection, path)
            yield connection
            connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise LogUnavailable(f"{path} cannot be read or written: {error}.") from error
    except OSError as error:
        raise LogUnavailable(f"{path} cannot be opened: {error.strerror}.") from error
    except sqlite3.DatabaseError as error:
        raise LogUnavailable(f"{path} is damaged: {error}.", fix=_RESTORE) from error


def _bring_forward(connection: sqlite3.Connection, path: Path) -> None:
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    if kind not in (0, KIND) or (kind == 0 and (done or tables - {"cosigned"})):
        raise LogUnavailable(f"{path} is a database of something else.", fix=_RESTORE)
    if done > len(STEPS):
        raise LogTooNew(f"{path} has schema {done}; this release knows {len(STEPS)}.")
    if done == len(STEPS):
        return
    for step in STEPS[done:]:
        connection.execute(step)
    connection.execute(f"PRAGMA application_id={KIND}")
    connection.execute(f"PRAGMA user_version={len(STEPS)}")


_RESTORE = (
    "Restore witness.db from the newest backup; without one move it away, and the node begins anew "
    "as a witness, which could cosign a log that went back."
)
