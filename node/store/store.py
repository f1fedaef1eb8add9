"""One SQLite file, one writer at a time, any number of readers that never wait for it.

WAL keeps readers on the state they began with while a writer works. `synchronous=FULL` makes a
commit survive a power cut, because a deletion that was reported must not come back;
`secure_delete` overwrites what is deleted, because deleted text must not stay in free pages.

Other rooms keep their own small tables here: they call `migrate("room", MIGRATIONS)` once when they
open and use `read()` and `write()`; they touch no table of another room.
"""

import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from node.store.errors import StoreDamaged, StoreTooNew, StoreUnwritable

_BUSY_MS = 10_000
_WAIT_FOR_READERS_MS = 300  # searches and listings end sooner; what does not is somebody else


class Store:
    """store.db, opened. Methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        """Use `Store.open`."""
        self.path = path
        self._writing = threading.Lock()
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._closed = False
        self._writer = self._connect()

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open or create the file, readable by its owner only.

        Raises StoreDamaged when it is no database.
        """
        path.touch(mode=0o600, exist_ok=True)
        try:
            store = cls(path)
            store._writer.execute(
                "CREATE TABLE IF NOT EXISTS schema_versions"
                " (room TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"
            )
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(
                f"{path} cannot be read as a database ({error})",
                fix="Restore it from a backup.",
            ) from error
        return store

    def migrate(self, room: str, migrations: Sequence[str]) -> None:
        """Bring `room`'s tables to the latest schema; each entry of `migrations` is applied once.

        An entry is a script of one or more SQL statements and runs in its own transaction. Entries
        are only ever added at the end. Raises StoreTooNew when the file has more than are known.
        """
        with self.read() as db:
            row = db.execute(
                "SELECT version FROM schema_versions WHERE room = ?", (room,)
            ).fetchone()
        done: int = row[0] if row else 0
        if done > len(migrations):
            raise StoreTooNew(
                f"{self.path} has schema {done} of {room!r} and this release knows "
                f"{len(migrations)}",
            )
        for version, script in enumerate(migrations[done:], start=done + 1):
            with self.write() as db:
                for statement in _statements(script):
                    db.execute(statement)
                db.execute("INSERT OR REPLACE INTO schema_versions VALUES (?, ?)", (room, version))

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Run the block as the only writer, in one transaction: all of it is kept, or nothing.

        The block must not await and must not call `write` again (it would wait for itself).
        Raises StoreUnwritable where the disk refuses.
        """
        with self._writing:
            db = self._writer
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException as error:
                if db.in_transaction:  # a COMMIT that fails may have ended it, or not
                    db.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and _refused(error):
                    raise StoreUnwritable(f"{self.path} cannot be written: {error}") from error
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Run the block on one unchanging state of the store, whatever a writer does meanwhile."""
        try:
            db = self._idle.get_nowait()
        except queue.Empty:
            db = self._connect()
            db.execute("PRAGMA query_only = ON")
        db.execute("BEGIN")
        try:
            yield db
        finally:
            db.execute("ROLLBACK")  # nothing was written; this lets the checkpointer pass
            if self._closed:
                db.close()
            else:
                self._idle.put(db)

    def vacuum(self) -> bool:
        """Give the space of what was deleted back to the file system; blocks writers meanwhile.

        Returns whether the write-ahead log was emptied too. It is not while some reader still
        works on an old state; old pages then stay in it until a later call.
        """
        with self._writing:
            self._writer.execute("VACUUM")
            return self._emptied()

    def empty_log(self) -> bool:
        """Empty the write-ahead log, which holds pages from before a deletion; as `vacuum`.

        What was deleted is overwritten in the file itself at once (`secure_delete`).
        """
        with self._writing:
            return self._emptied()

    def _emptied(self) -> bool:
        self._writer.execute(f"PRAGMA busy_timeout = {_WAIT_FOR_READERS_MS}")
        try:
            busy, _, _ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        return not busy

    def close(self) -> None:
        """Close every connection; a second call does nothing."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
            while not self._idle.empty():
                self._idle.get_nowait().close()
            self._writer.close()

    def _connect(self) -> sqlite3.Connection:
        # threads share the connection one after the other, never at once: `_writing` and the queue
        db = sqlite3.connect(
            self.path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
                "secure_delete = ON",
            ):
                db.execute(f"PRAGMA {pragma}")
        except BaseException:
            db.close()
            raise
        return db


def _refused(error: sqlite3.OperationalError) -> bool:
    """Whether it is the disk that refused: full, read-only, or broken."""
    primary = error.sqlite_errorcode & 0xFF  # the rest says how
    return primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for part in script.split(";"):
        pending += part + ";"
        if sqlite3.complete_statement(pending):
            if pending.strip("; \n\t"):
                yield pending
            pending = ""
    if pending.strip("; \n\t"):
        raise ValueError("a migration ends in an incomplete statement")
