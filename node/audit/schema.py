"""log.db: tables, connection settings, and who may open it.

Rule of this file: a commit has reached the disk when it returns (WAL, synchronous=FULL), the file
is 0600 from its first byte, and a file of another kind or a later version is never touched.

``nodes`` holds every complete subtree's hash at ``protocol.merkle.position``; ``facts`` repeats
what a leaf says in a narrow table, so that filtering does not read a gigabyte of leaves (`fsck`
compares the two). Leaves, nodes, checkpoints and keys are only ever appended; triggers see to it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from node.audit.errors import AuditError, LogDamaged, LogTooNew, LogUnavailable

APPLICATION_ID = 0x494C4F47  # "ILOG"
BUSY_MS = 5_000  # milliseconds to wait for a lock; nobody else should ever hold one

_V1 = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE leaves (idx INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE facts (
    idx INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, peer TEXT
) STRICT;
CREATE TABLE nodes (position INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
CREATE TABLE nonces (
    peer TEXT NOT NULL, nonce TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (peer, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_until ON nonces (until);
CREATE TABLE idempotency (
    peer TEXT NOT NULL, key TEXT NOT NULL, body_digest TEXT NOT NULL, payload BLOB NOT NULL,
    leaf_index INTEGER NOT NULL, until INTEGER NOT NULL, UNIQUE (peer, key)
) STRICT;
CREATE INDEX idempotency_by_until ON idempotency (until);
CREATE TABLE queries (
    peer TEXT NOT NULL, collection TEXT NOT NULL, day INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (peer, collection, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE exposures (
    peer TEXT NOT NULL, collection TEXT NOT NULL, epoch INTEGER NOT NULL,
    document INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (peer, collection, epoch, document)
) STRICT, WITHOUT ROWID;
CREATE TABLE kept_receipts (
    idx INTEGER PRIMARY KEY, peer TEXT NOT NULL, leaf BLOB NOT NULL, proof BLOB NOT NULL
) STRICT;
"""
_V2 = """
CREATE TABLE seen_checkpoints (
    origin TEXT PRIMARY KEY, peer TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""
_V3 = """
CREATE TABLE probes (
    day INTEGER NOT NULL, peer TEXT NOT NULL, collection TEXT NOT NULL, mark BLOB NOT NULL,
    sketch BLOB NOT NULL, PRIMARY KEY (day, peer, collection, mark)
) STRICT, WITHOUT ROWID;
"""
_V4 = """
CREATE TABLE open_questions (
    peer TEXT NOT NULL, query TEXT NOT NULL, PRIMARY KEY (peer, query)
) STRICT, WITHOUT ROWID;
"""
_V5 = """
ALTER TABLE seen_checkpoints RENAME TO seen_before;
CREATE TABLE seen_checkpoints (
    peer TEXT NOT NULL, root TEXT NOT NULL, origin TEXT NOT NULL, size INTEGER NOT NULL,
    note BLOB NOT NULL, PRIMARY KEY (peer, root, origin)
) STRICT, WITHOUT ROWID;
INSERT INTO seen_checkpoints SELECT peer, root, origin, size, note FROM (
    SELECT s.*, (
        SELECT json_extract(CAST(l.data AS TEXT), '$.root') FROM facts f JOIN leaves l USING (idx)
        WHERE f.type = 'peer' AND f.peer = s.peer ORDER BY f.idx DESC LIMIT 1
    ) AS root FROM seen_before s
) WHERE root IS NOT NULL;
DROP TABLE seen_before;
"""
"""The pinned root key of what was seen before is that of the partner's newest `peer` leaf."""
_V6 = """
CREATE TABLE log_keys (from_size INTEGER PRIMARY KEY, verifier_key TEXT NOT NULL) STRICT;
INSERT INTO log_keys SELECT 0, value FROM meta WHERE name = 'verifier_key';
DELETE FROM meta WHERE name = 'verifier_key';
"""
"""Before, a log had one key for life."""
_V7 = """
CREATE TABLE unacknowledged (
    idx INTEGER PRIMARY KEY, peer TEXT NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL,
    noted INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
"""Answers from before are waited for by nobody."""
_V8 = """
DROP TABLE idempotency;
CREATE TABLE idempotency (
    peer TEXT NOT NULL, key TEXT NOT NULL, body_digest TEXT NOT NULL, slot INTEGER NOT NULL,
    sealed BLOB NOT NULL, leaf_index INTEGER NOT NULL, until INTEGER NOT NULL, UNIQUE (peer, key)
) STRICT;
CREATE INDEX idempotency_by_until ON idempotency (until);
"""
"""Before, stored answers lay there in clear. They are dropped; they lived for a day."""
_V9 = """
CREATE TABLE cosigned_checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
CREATE TABLE witnessed_receipts (idx INTEGER PRIMARY KEY, proof BLOB NOT NULL) STRICT;
"""
"""What witnesses signed comes after the leaf, and changes no tree."""


def _append_only(*tables: str) -> str:
    return "".join(
        f"CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are only appended'); END;"
        for table in tables
        for verb in ("UPDATE", "DELETE")
    )


_STEPS = (
    _V1 + _append_only("leaves", "nodes", "checkpoints"),
    _V2,
    _V3,
    _V4,
    _V5,
    _V6 + _append_only("log_keys"),
    _V7,
    _V8,
    _V9,
)
"""Each step makes the next version of the one before; steps are only ever added at the end."""

VERSION = len(_STEPS)


def connect(path: Path, origin: str, verifier_key: str) -> sqlite3.Connection:
    """Open log.db for its writer, creating it for ``origin`` and ``verifier_key`` if it is missing.

    Raises LogDamaged, LogTooNew, or LogUnavailable where the operating system or SQLite refuses.
    """
    with named(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
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
        uri = f"file:{quote(os.fspath(path.absolute()))}?mode=ro"
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
    for version, step in enumerate(_STEPS[done:], start=done + 1):
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
