"""content_keys.db: one key for each record, wrapped; and the erasures that are not finished.

Rule of this file: a key is on disk before anything is sealed with it, and is drawn once. Keys are
made ahead in blocks, each with one fsync, so that drawing one costs none. An erasure deletes its
keys and notes itself in one transaction, so that a crash leaves no deletion that nobody reports.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from node.content.database import named, open_database, transaction
from node.content.errors import ContentDamaged
from node.content.sealing import DoesNotOpen, Wrapping, new_keys

KIND = 0x494C434B  # "ILCK"
_TO_EMPTY = "to-empty"
FIRST_BLOCK, LARGEST_BLOCK = 64, 1_024
"""Keys made at once, in up to 8 ms: few for a node that is asked once a day, many under load."""
WAIT_FOR_READERS_MS = 300

_V1 = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE keys (slot INTEGER PRIMARY KEY AUTOINCREMENT, wrapped BLOB NOT NULL) STRICT;
CREATE TABLE erasures (
    id TEXT PRIMARY KEY, log_size INTEGER NOT NULL, said TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class DrawnKey:
    """A key (32 bytes) and its place."""

    slot: int
    key: bytes


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An erasure whose keys are deleted and whose leaf is not known to be in the log.

    `log_size`: leaves in the log when it began; `said`: the leaf's fields, as JSON.
    """

    id: str
    log_size: int
    said: str


class KeyStore:
    """The open file; any thread may call any method."""

    def __init__(self, path: Path, key_of_keys: Callable[[], bytes]) -> None:
        """`key_of_keys` gives the organisation's content key (32 bytes) when it is needed."""
        self.path = path
        self._key_of_keys = key_of_keys
        self._wrapping: Wrapping | None = None
        self._lock = threading.RLock()
        self._ready: deque[DrawnKey] = deque()
        self._block = FIRST_BLOCK
        self._db = open_database(path, KIND, (_V1,), "FULL")

    @property
    def is_low(self) -> bool:
        """Whether it is time to make more keys, before they run out."""
        return len(self._ready) < self._block // 4

    def draw(self) -> DrawnKey:
        """Give a key that nobody else gets; waits for the disk only where none is left."""
        while True:
            try:
                return self._ready.popleft()
            except IndexError:
                self.make_block()

    def make_block(self) -> None:
        """Make keys ahead, durably."""
        with self._writing() as db:
            wrapping = self._wrapping_key()
            (last,) = db.execute(
                "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'keys'"
            ).fetchone()
            made = [
                (DrawnKey(slot, key), wrapping.wrap(slot, key, nonce))
                for slot, (key, nonce) in enumerate(new_keys(self._block), start=last + 1)
            ]
            with transaction(db):
                db.executemany(
                    "INSERT INTO keys VALUES (?, ?)", ((d.slot, wrapped) for d, wrapped in made)
                )
            self._block = min(2 * self._block, LARGEST_BLOCK)
        self._ready.extend(drawn for drawn, _ in made)

    def refill(self) -> None:
        """Make keys ahead where few are left; raises ContentError where they cannot be written."""
        if self.is_low:
            self.make_block()

    def begin_after(self, slot: int) -> None:
        """Never give a slot up to this one: it was given by a file that is gone."""
        with self._writing() as db, transaction(db):
            db.execute("INSERT OR IGNORE INTO keys VALUES (?, x'')", (slot,))
            db.execute("DELETE FROM keys WHERE slot = ? AND wrapped = x''", (slot,))

    def key(self, slot: int) -> bytes | None:
        """Return the key of a slot; None where it was erased, or is not this file's."""
        with self._writing() as db:
            row = db.execute("SELECT wrapped FROM keys WHERE slot = ?", (slot,)).fetchone()
            if row is None:
                return None
            try:
                return self._wrapping_key().unwrap(slot, bytes(row[0]))
            except DoesNotOpen:
                raise ContentDamaged(f"Key {slot} in {self.path} does not open.") from None

    def slots_after(self, slot: int) -> list[int]:
        """Return the slots beyond this one that have a key, ascending."""
        with self._writing() as db:
            rows = db.execute("SELECT slot FROM keys WHERE slot > ? ORDER BY slot", (slot,))
            return [int(row[0]) for row in rows]

    @property
    def last_slot(self) -> int:
        """The largest slot that was ever given."""
        with self._writing() as db:
            return int(
                db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence").fetchone()[0]
            )

    def delete(self, slots: Iterable[int], erasure: Unfinished | None = None) -> None:
        """Delete keys, and note the erasure that they are part of, in one transaction."""
        with self._writing() as db, transaction(db):
            db.executemany("DELETE FROM keys WHERE slot = ?", ((slot,) for slot in slots))
            if erasure is not None:
                db.execute(
                    "INSERT OR REPLACE INTO erasures VALUES (?, ?, ?)",
                    (erasure.id, erasure.log_size, erasure.said),
                )

    def unfinished(self) -> list[Unfinished]:
        """Return the erasures that are not finished, in the order in which they began."""
        with self._writing() as db:
            rows = db.execute("SELECT id, log_size, said FROM erasures ORDER BY log_size, id")
            return [Unfinished(str(i), int(size), str(said)) for i, size, said in rows]

    def finished(self, erasure: str) -> None:
        """Forget an erasure whose leaf is in the log."""
        with self._writing() as db, transaction(db):
            db.execute("DELETE FROM erasures WHERE id = ?", (erasure,))

    @property
    def is_to_be_emptied(self) -> bool:
        """Whether keys were deleted that the log calls erased, and `compact` has not followed."""
        return self.meta(_TO_EMPTY) is not None

    def note_to_be_emptied(self) -> None:
        """Note that keys will be deleted that the log calls erased; `compact` forgets it."""
        self.set_meta(_TO_EMPTY, "1")

    def compact(self) -> bool:
        """Leave nothing of deleted keys in the file and in its write-ahead log.

        Deleted rows are overwritten at once (secure_delete); this builds the file anew and empties
        the log. Returns whether that was possible: while somebody reads an older state of the file
        (a copy of it is being made, a tool has it open) the log keeps old pages.
        """
        with self._writing() as db:
            db.execute(f"PRAGMA busy_timeout={WAIT_FOR_READERS_MS}")
            try:
                db.execute("VACUUM")
                busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                return False
            finally:
                db.execute("PRAGMA busy_timeout=5000")
            if not busy:
                db.execute("DELETE FROM meta WHERE name = ?", (_TO_EMPTY,))
            return not busy

    def meta(self, name: str) -> str | None:
        """Return a fact about the file: whose it is, how far it was compared with the log."""
        with self._writing() as db:
            row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            return str(row[0]) if row else None

    def set_meta(self, name: str, value: str) -> None:
        """Note a fact about the file."""
        with self._writing() as db, transaction(db):
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def unlock(self) -> None:
        """Open the content key, so that a missing one or its passphrase is known now."""
        self._wrapping_key()

    def _wrapping_key(self) -> Wrapping:
        """The content key, once it is known to be the one under which the keys here are."""
        with self._lock:
            if self._wrapping is None:
                key = self._key_of_keys()
                mark = sha256(b"interlingua content key mark v1\n" + key).hexdigest()
                if self.meta("key") is None:
                    self.set_meta("key", mark)
                elif self.meta("key") != mark:
                    raise ContentDamaged(f"keys/content.key is not the key of {self.path}.")
                self._wrapping = Wrapping(key)
            return self._wrapping

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, named(self.path):
            yield self._db
