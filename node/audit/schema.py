"""log.db: connection settings, and who may open it.

Rule of this file: a commit has reached the disk when it returns (WAL, synchronous=FULL), the file
is 0600 from its first byte, and a file of another kind or a later version is never touched.
The tables are in node/audit/schema_steps.py.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from node.audit.errors import AuditError, LogDamaged, LogTooNew, LogUnavailable
from node.audit.schema_steps import STEPS

APPLICATION_ID = 0x494C4F47  # "ILOG"
BUSY_MS = 5_000  # milliseconds to wait for a lock; nobody else should ever hold one
STATEMENTS = 256  # kept prepared for the writer: some for each number of rows (many_rows.py)

VERSION = len(STEPS)


def connect(path: Path, origin: str, verifier_key: str) -> sqlite3.Connection:
    """Open log.db for its writer, creating it for ``origin`` and ``verifier_key`` if it is missing.

    Raises LogDamaged, LogTooNew, or LogUnavailable where the operating system or SQLite refuses.
    """
    with named(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
        )
    try:
        with named(path):
            new = connection.execute("PRAGMA schema_version").fetchone()[0] == 0
            if not new:
                _check_kind(connection, path)
            _settings(connection)
            _bring_forward(connection)
            _begin(connection, origin, verifier_key)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open log.db for reading only, also while its node writes; errors as ``connect``."""
    connection = _reading(path)
    try:
        with named(path):
            _check_kind(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _reading(path: Path) -> sqlite3.Connection:
    with named(path):
        uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        connection.execute("PRAGMA query_only=ON")
    return connection


def was_begun(path: Path) -> bool:
    """Tell whether anything was ever written to log.db; errors as ``connect``.

    A process that was killed while it made the file leaves one without tables, or one with a
    rollback journal (a log has none: it was not brought into WAL mode yet). ``connect`` goes on
    with both.
    """
    journal = path.with_name(f"{path.name}-journal")
    if not path.exists() or path.stat().st_size == 0 or journal.exists():
        return False
    with named(path), closing(_reading(path)) as connection:
        return int(connection.execute("PRAGMA schema_version").fetchone()[0]) > 0


@contextmanager
def beside(path: Path) -> Iterator[sqlite3.Connection]:
    """Write what is beside the leaves, in one transaction: what a power cut takes comes again.

    It waits for the log's writer, which waits for it no longer than such a row takes; its commit
    flushes nothing. Never for leaves, nodes, checkpoints or counters: they have one writer.
    """
    with named(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")


def try_commit(path: Path) -> None:
    """Commit something that changes nothing, flushed as a leaf's commit is; raises LogUnavailable.

    It tells whether a log whose newest commit failed could be written again.
    """
    with named(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version={version}")  # writes the page all the same
        connection.execute("COMMIT")


@contextmanager
def snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """Read log.db as it is at this moment, whatever is appended meanwhile."""
    with closing(connect_reader(path)) as connection:
        try:
            connection.execute("BEGIN")
            yield connection
        except sqlite3.DatabaseError as error:  # an OSError of the reader's own is not the file's
            raise _as_ours(error, path) from error


def meta(connection: sqlite3.Connection, name: str) -> str:
    """Return what the log says of itself: its ``origin``; before version 6 also its key."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def _settings(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA trusted_schema=OFF")


def _bring_forward(connection: sqlite3.Connection) -> None:
    """Take the steps that the file has not taken yet, each in a transaction of its own."""
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    if done == VERSION:
        return
    connection.execute("PRAGMA secure_delete=ON")  # what a step drops must not stay in free pages
    for version, step in enumerate(STEPS[done:], start=done + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {step} PRAGMA application_id={APPLICATION_ID}; "
            f"PRAGMA user_version={version}; COMMIT;"
        )
    if done:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA secure_delete=FAST")


def _begin(connection: sqlite3.Connection, origin: str, verifier_key: str) -> None:
    """State whose log it is, in a file where nothing was written yet."""
    unused = "WHERE NOT EXISTS (SELECT 1 FROM {0}) AND NOT EXISTS (SELECT 1 FROM checkpoints)"
    for table, first, second in (("meta", "origin", origin), ("log_keys", 0, verifier_key)):
        connection.execute(
            f"INSERT INTO {table} SELECT ?, ? {unused.format(table)}",
            (first, second),
        )


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if kind != APPLICATION_ID:
        raise LogDamaged(
            f"{path} is not an interlingua audit log, or was copied without its -wal file."
        )
    if version > VERSION:
        raise LogTooNew(f"{path} has schema version {version}; this release knows {VERSION}.")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn what SQLite or the operating system raises about ``path`` into this room's errors."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _as_ours(error, path) from error
    except OSError as error:
        raise LogUnavailable(f"{path} cannot be opened: {error.strerror}.") from error


def _as_ours(error: sqlite3.DatabaseError, path: Path) -> AuditError:
    if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
        return LogUnavailable(f"{path} cannot be read or written: {error}.")
    return LogDamaged(f"{path} is damaged: {error}.")


def _is_damage(error: sqlite3.OperationalError) -> bool:
    return str(error).startswith(("no such", "malformed"))
