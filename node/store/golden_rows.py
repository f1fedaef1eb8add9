"""Rows of golden questions, whose right documents are known, and of what versions made of them.

A canary is a golden question that is asked again and again: kept is what a version reached on it
when it was judged last before it took over, or else when it was asked first.

Each function works within its caller's transaction.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

Measurer = Literal["gate", "watch"]


@dataclass(frozen=True, slots=True)
class Golden:
    """A question, and the grade of each judged document by its external id; above 0 is relevant.

    `answer`: the text that answers it, where that is no document of the collection but an anchor,
    which the judgments then name. `asked`: the `sent` leaves of a past question, with whose records
    it goes.
    """

    question: str
    judgments: Mapping[str, int]
    answer: str | None = None
    asked: tuple[int, ...] = ()

    @property
    def mark(self) -> str:
        """What names this question with these right documents, and no other."""
        told = orjson.dumps([self.question, self.judgments], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(told).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one version reached on so many golden questions: mean figures by their names.

    `by`: the gate, which judges before a switch, or the watch; None of an older release.
    """

    version: int
    at: int
    questions: int
    figures: Mapping[str, float]
    by: Measurer | None


def replace(db: sqlite3.Connection, collection: int, questions: Iterable[Golden]) -> None:
    """Make these the collection's golden questions, in place of those before."""
    db.execute("DELETE FROM golden_questions WHERE collection = ?", (collection,))
    db.executemany(
        "INSERT INTO golden_questions (collection, question, judgments, answer, asked)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            (collection, one.question, _told(dict(one.judgments)), one.answer, _told(one.asked))
            for one in questions
        ),
    )


def _told(value: object) -> str:
    return orjson.dumps(value).decode()


def past(db: sqlite3.Connection) -> list[tuple[int, tuple[int, ...]]]:
    """Return the keys of golden questions that were asked once, with their `sent` leaves."""
    rows = db.execute("SELECT key, asked FROM golden_questions WHERE asked <> '[]'")
    return [(key, tuple(orjson.loads(asked))) for key, asked in rows]


def delete(db: sqlite3.Connection, keys: Iterable[int]) -> None:
    """Delete golden questions."""
    db.executemany("DELETE FROM golden_questions WHERE key = ?", ((key,) for key in keys))


def of_collection(db: sqlite3.Connection, collection: int) -> list[Golden]:
    """Return a collection's golden questions, in their order."""
    rows = db.execute(
        "SELECT question, judgments, answer, asked FROM golden_questions"
        " WHERE collection = ? ORDER BY key",
        (collection,),
    )
    return [
        Golden(question, orjson.loads(judgments), answer, tuple(orjson.loads(asked)))
        for question, judgments, answer, asked in rows
    ]


def note(db: sqlite3.Connection, measured: Measured) -> None:
    """Keep what a version reached."""
    db.execute(
        "INSERT INTO measurements (version, at, questions, figures, by) VALUES (?, ?, ?, ?, ?)",
        (
            measured.version,
            measured.at,
            measured.questions,
            orjson.dumps(dict(measured.figures)).decode(),
            measured.by,
        ),
    )


def of_version(db: sqlite3.Connection, version: int) -> list[Measured]:
    """Return everything that a version reached, oldest first."""
    rows = db.execute(
        "SELECT version, at, questions, figures, by FROM measurements"
        " WHERE version = ? ORDER BY key",
        (version,),
    )
    return [
        Measured(key, at, questions, orjson.loads(figures), by)
        for key, at, questions, figures, by in rows
    ]


def reach(db: sqlite3.Connection, version: int, values: Mapping[str, float], *, anew: bool) -> None:
    """Keep what a version reached on questions, by their marks; `anew`: whatever it was before."""
    verb = "REPLACE" if anew else "IGNORE"
    db.executemany(
        f"INSERT OR {verb} INTO canaries (version, question, reached) VALUES (?, ?, ?)",  # noqa: S608 - one of two words
        ((version, mark, value) for mark, value in values.items()),
    )


def reached(db: sqlite3.Connection, version: int) -> dict[str, float]:
    """Return what a version reached on questions, by their marks."""
    rows = db.execute("SELECT question, reached FROM canaries WHERE version = ?", (version,))
    return dict(rows.fetchall())
