"""What silos gave to this node's own questions: private, bounded, and forgotten when told to.

The rules of this file: only questions that were asked with a limit on silos are kept, so a node
that never limits keeps nothing. Of a question its vectors are kept, and which part of the merged
list each silo gave; neither text, nor who asked, nor what was found. At most `KEPT` vectors in each
space, none older than `KEPT_S`. Memory is what is read; the file (of this room alone, left out of
backups) is written by `flush`, so that no answer waits for a disk, and a crash loses some seconds
of learning. A file that cannot be read is begun anew: what it held is learnt again. What is deleted
is gone from the file's write-ahead log too, or `unemptied` says that it is not yet. Vectors are
read at the first expectation, so that they can be deleted where numpy is not installed.
"""

from __future__ import annotations

import sqlite3
import threading
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from node.clock import Clock
from node.federation.choice import Expected, Silo
from node.store.errors import StoreDamaged, StoreUnwritable
from node.store.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from node.federation.past_vectors import PastQuestion, PastVectors

_log = structlog.get_logger(__name__)

KEPT = 2000
KEPT_S = 90 * 86_400
LEARNT_WITHIN_S = 120
"""Longest time in seconds from a question's first `sent` leaf to its learning: the longest deadline
is a minute."""
FLUSH_S = 5.0
"""Seconds between two writings of what was learnt."""
TIDY_S = 86_400
"""Seconds between two deletions of what is too old, where nothing is learnt."""

MIGRATIONS = (
    """
    CREATE TABLE past_questions (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        space TEXT NOT NULL,
        at INTEGER NOT NULL,
        vector BLOB NOT NULL
    ) STRICT;
    CREATE INDEX past_questions_of_space ON past_questions (space, key);

    CREATE TABLE past_shares (
        question INTEGER NOT NULL REFERENCES past_questions ON DELETE CASCADE,
        organisation TEXT NOT NULL,
        collection TEXT NOT NULL,
        share REAL NOT NULL,
        PRIMARY KEY (question, organisation, collection)
    ) STRICT, WITHOUT ROWID;
    """,
)


@dataclass(frozen=True)
class Remembered:
    """What is kept of one silo: from how many questions, which part it gave, and since when."""

    organisation: str
    collection: str
    answers: int
    mean_share: float
    oldest: int


class PastAnswers:
    """What silos gave before; one per node, on its event loop."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Read what is kept. Raises the store's errors."""
        store.migrate("past-answers", MIGRATIONS)
        self._store = store
        self._clock = clock
        self._waiting: list[tuple[str, PastQuestion]] = []
        self._spaces: dict[str, PastVectors] | None = None  # read when first needed
        self._tidied = 0
        self._flushing = threading.Lock()
        self.unemptied = False
        """Whether deleted vectors are left in the file: another program reads it."""
        self._empty()
        self.flush()

    @classmethod
    def open(cls, path: Path, clock: Clock) -> PastAnswers:
        """Read what the file holds, or begin it; `close` closes it."""
        try:
            return cls(Store.open(path), clock)
        except (StoreDamaged, StoreUnwritable, sqlite3.DatabaseError) as error:
            _log.warning("what silos gave before is forgotten", path=str(path), cause=str(error))
            for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
                each.unlink(missing_ok=True)
            return cls(Store.open(path), clock)

    def close(self) -> None:
        """Write what is waiting, and close the file."""
        self.flush()
        self._store.close()

    def expected(self, space: str, vectors: NDArray[np.float32]) -> dict[Silo, Expected]:
        """Return what the silos of which enough is known should give to vectors (n, d)."""
        kept = self._known().get(space)
        return {} if kept is None else kept.expected(vectors, self._clock() - KEPT_S)

    def learn(
        self,
        space: str,
        vectors: NDArray[np.float32],
        gave: Sequence[Mapping[Silo, float]],
    ) -> None:
        """Keep vectors (n, d) with what the silos that answered gave to each."""
        from node.federation.past_vectors import PastQuestion

        now, known = self._clock(), self._known()
        for vector, shares in zip(vectors, gave, strict=True):
            question = PastQuestion(vector.astype("f4"), now, dict(shares))
            _into(known, space, question)
            self._waiting.append((space, question))

    def flush(self) -> None:
        """Write what was learnt since, and delete what is too old or too much.

        May run in a thread of its own; a second call waits for it, so that nothing which is taken
        and not yet written escapes who forgets next. What could not be emptied is tried again.
        """
        with self._flushing:
            if self.unemptied:
                self._empty()
            waiting, self._waiting = self._waiting, []
            now = self._clock()
            if not waiting and now - self._tidied < TIDY_S:
                return
            self._tidied = now
            with self._store.write() as db:
                for space, question in waiting:
                    _insert(db, space, question)
                for space in {space for space, _ in waiting}:
                    db.execute(_DELETE_BEYOND, (space, space, KEPT))
                db.execute("DELETE FROM past_questions WHERE at < ?", (now - KEPT_S,))

    def forget(self, organisation: str | None) -> int:
        """Forget what one partner gave, or everything; returns from how many questions.

        A question to which no other silo's share is kept goes with it. Nothing is left in the file
        where `unemptied` is false then.
        """
        self.flush()
        with self._store.write() as db:
            if organisation is None:
                forgotten = db.execute("DELETE FROM past_questions").rowcount
            else:
                (forgotten,) = db.execute(
                    "SELECT count(DISTINCT question) FROM past_shares WHERE organisation = ?",
                    (organisation,),
                ).fetchone()
                db.execute("DELETE FROM past_shares WHERE organisation = ?", (organisation,))
                db.execute(
                    "DELETE FROM past_questions WHERE key NOT IN (SELECT question FROM past_shares)"
                )
        self._empty()
        self._spaces = None
        return int(forgotten)

    def asked_at(self, times: Iterable[int], delete: bool = False) -> int:
        """Return how many vectors were learnt of questions sent at these times; delete them.

        `times` are epoch seconds (UTC), those of the `sent` leaves. Nothing tells which vector is
        whose, so each goes that was learnt within `LEARNT_WITHIN_S` of one of them: rather others
        too, which are learnt again, than one of these left. They are gone where `unemptied` is
        false then.
        """
        self.flush()
        sent = sorted(set(times))
        with self._store.read() as db:
            rows = db.execute("SELECT key, at FROM past_questions").fetchall()
        keys = [(key,) for key, at in rows if _follows(sent, at)]
        if keys and delete:
            with self._store.write() as db:
                db.executemany("DELETE FROM past_questions WHERE key = ?", keys)
            self._empty()
            self._spaces = None
        return len(keys)

    def remembered(self) -> list[Remembered]:
        """Return what is kept of every silo, by name."""
        self.flush()
        with self._store.read() as db:
            rows = db.execute(
                "SELECT organisation, collection, count(*), avg(share), min(at) FROM past_shares"
                " JOIN past_questions ON key = question GROUP BY 1, 2 ORDER BY 1, 2"
            ).fetchall()
        return [Remembered(*row) for row in rows]

    def _empty(self) -> None:
        self.unemptied = not self._store.empty_log()

    def _known(self) -> dict[str, PastVectors]:
        """What is kept of each space; read from the file where nothing was since it changed."""
        if self._spaces is None:
            self._spaces = self._read()
        return self._spaces

    def _read(self) -> dict[str, PastVectors]:
        from node.federation.past_vectors import PastQuestion

        known: dict[str, PastVectors] = {}
        with self._store.read() as db:
            gave: dict[int, dict[Silo, float]] = {}
            for key, organisation, collection, share in db.execute(
                "SELECT question, organisation, collection, share FROM past_shares"
            ):
                gave.setdefault(key, {})[organisation, collection] = share
            for key, space, at, raw in db.execute(
                "SELECT key, space, at, vector FROM past_questions ORDER BY key"
            ):
                _into(known, space, PastQuestion.kept(raw, at, gave.get(key, {})))
        return known


def _into(known: dict[str, PastVectors], space: str, question: PastQuestion) -> None:
    from node.federation.past_vectors import PastVectors

    if space not in known:
        known[space] = PastVectors.of_size(KEPT, len(question.vector))
    known[space].add(question)


def _follows(sent: Sequence[int], at: int) -> bool:
    """Whether one of the ascending times `sent` lies at most `LEARNT_WITHIN_S` before `at`."""
    place = bisect_right(sent, at)
    return place > 0 and at - sent[place - 1] <= LEARNT_WITHIN_S


_DELETE_BEYOND = (
    "DELETE FROM past_questions WHERE space = ? AND key <= (SELECT key FROM past_questions"
    " WHERE space = ? ORDER BY key DESC LIMIT 1 OFFSET ?)"
)


def _insert(db: sqlite3.Connection, space: str, question: PastQuestion) -> None:
    key = db.execute(
        "INSERT INTO past_questions (space, at, vector) VALUES (?, ?, ?)",
        (space, question.at, question.vector.astype("<f4").tobytes()),
    ).lastrowid
    db.executemany(
        "INSERT INTO past_shares VALUES (?, ?, ?, ?)",
        [(key, *silo, share) for silo, share in question.gave.items()],
    )
