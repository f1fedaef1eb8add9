"""Rows of courses: how a collection is being brought from one model to the next, one at a time.

`bridge`: questions of the new model are mapped into the old index. `both`: questions are answered
from the old version and the new one. `progressive`: the same for a share of them that grows. Each
function works within its caller's transaction.
"""

import json
import sqlite3
from dataclasses import dataclass
from typing import Literal

Strategy = Literal["bridge", "both", "progressive"]


@dataclass(frozen=True, slots=True)
class CourseRow:
    """One course. `version`: the new one, or in a bridge the one whose index is searched.

    `encoder` makes the questions for a bridge, else the new version. `share` is how many of a
    hundred questions are concerned, `steps` the shares that are still to come, each after
    `every_s` seconds at least; `since` (epoch seconds UTC) is when the share was set. `salt` makes
    which questions are concerned.
    """

    collection: int
    strategy: Strategy
    version: int
    encoder: str
    share: int
    steps: tuple[int, ...]
    every_s: int
    since: int
    salt: bytes


_COLUMNS = "collection, strategy, version, encoder, share, steps, every_s, since, salt"


def all_rows(db: sqlite3.Connection) -> list[CourseRow]:
    """Return the course of every collection that has one."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM courses")  # noqa: S608 - a text of this file
    return [
        CourseRow(own, strategy, version, encoder, share, tuple(json.loads(steps)), *rest)
        for own, strategy, version, encoder, share, steps, *rest in rows
    ]


def put(db: sqlite3.Connection, collection: int, row: CourseRow | None) -> None:
    """Make this the course of a collection; None: it has none any more."""
    db.execute("DELETE FROM courses WHERE collection = ?", (collection,))
    if row is not None:
        db.execute(
            f"INSERT INTO courses ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a text of this file
            (
                collection, row.strategy, row.version, row.encoder, row.share,
                json.dumps(row.steps), row.every_s, row.since, row.salt,
            ),
        )  # fmt: skip


def encoders(db: sqlite3.Connection) -> set[str]:
    """Return the names of the encoders that courses ask by."""
    return {name for (name,) in db.execute("SELECT encoder FROM courses")}
