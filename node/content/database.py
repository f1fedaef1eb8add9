"""Opening the two small databases of this room.

Rule of this file: a file is 0600 from its first byte, what is deleted from it is overwritten, no
temporary file holds a copy, and a file of another kind or of a later version is never touched.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from node.content.errors import ContentDamaged, ContentError, ContentTooNew

BUSY_MS = 5_000


def open_database(
    path: Path, kind: int, steps: Sequence[str], synchronous: Literal["FULL", "NORMAL"]
) -> sqlite3.Connection:
    """Open or create a database of the `application_id` ``kind``; each step is taken once.

    The connection may be used from any thread, by one at a time. Raises ContentError's kinds.
    """
    with named(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        with named(path):
            for pragma in (
                f"busy_timeout={BUSY_MS}",
                "journal_mode=WAL",
                f"synchronous={synchronous}",
                "secure_delete=ON",
                "temp_store=MEMORY",
                "trusted_schema=OFF",
            ):
                connection.execute(f"PRAGMA {pragma}")
            _bring_forward(connection, path, kind, steps)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn what SQLite or the operating system raises about ``path`` into this room's errors."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ContentError(
            f"{path} cannot be read or written: {error}.",
            fix="Check the disk under the data directory (space, errors, mount).",
        ) from error
    except sqlite3.DatabaseError as error:
        raise ContentDamaged(f"{path} is damaged: {error}.") from error
    except OSError as error:
        raise ContentError(
            f"{path} cannot be opened: {error.strerror}.", fix="Check its owner and mode."
        ) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in one transaction: all of it is kept, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _bring_forward(
    connection: sqlite3.Connection, path: Path, kind: int, steps: Sequence[str]
) -> None:
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    if found not in (0, kind) or (found == 0) != (done == 0):
        raise ContentDamaged(f"{path} is a database of something else.")
    if done > len(steps):
        raise ContentTooNew(f"{path} has schema {done}; this release knows {len(steps)}.")
    for version, step in enumerate(steps[done:], start=done + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {step} PRAGMA application_id={kind}; "
            f"PRAGMA user_version={version}; COMMIT;"
        )
