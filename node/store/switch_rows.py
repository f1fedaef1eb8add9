"""Rows of what became of versions: begun, complete, put in charge, taken back, given up.

And of courses: begun (`bridge`, `both`, `progressive`), another `share` of questions, `stopped`.

The rule of this file: a change of a version's state and its row here are one transaction. `logged`
is set once the audit log has the leaf; where a crash came between, the leaf is appended at the next
start, before anything is answered. Each function works within its caller's transaction.
"""

import sqlite3
from dataclasses import dataclass
from typing import Literal

Event = Literal[
    "migration-begun",
    "complete",
    "cutover",
    "rollback",
    "retired",
    "bridge",
    "both",
    "progressive",
    "share",
    "stopped",
]

PUT_IN_CHARGE = ("cutover", "rollback")


@dataclass(frozen=True, slots=True)
class Switch:
    """One event of one version. `former` served before it; `forced`: what stood against it.

    `reason`: why a program did it that nobody told to; of a course its figures.
    """

    key: int
    collection: int
    version: int
    event: Event
    former: int | None
    forced: str | None
    at: int
    by: str | None
    reason: str | None = None


_SELECT = "SELECT key, collection, version, event, former, forced, at, by, reason FROM switches"


def insert(
    db: sqlite3.Connection,
    collection: int,
    version: int,
    event: Event,
    at: int,
    by: str | None,
    *,
    former: int | None = None,
    forced: str | None = None,
    reason: str | None = None,
) -> Switch:
    """Add an event that is not logged yet."""
    row = db.execute(
        "INSERT INTO switches (collection, version, event, former, forced, at, by, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " RETURNING key, collection, version, event, former, forced, at, by, reason",
        (collection, version, event, former, forced, at, by, reason),
    ).fetchone()
    return Switch(*row)


def set_logged(db: sqlite3.Connection, key: int) -> None:
    """Note that the event's leaf is in the log."""
    db.execute("UPDATE switches SET logged = 1 WHERE key = ?", (key,))


def delete(db: sqlite3.Connection, key: int) -> None:
    """Forget an event that did not come about."""
    db.execute("DELETE FROM switches WHERE key = ?", (key,))


def unlogged(db: sqlite3.Connection) -> list[Switch]:
    """Return the events whose leaves a crash prevented, oldest first."""
    return [Switch(*row) for row in db.execute(f"{_SELECT} WHERE NOT logged ORDER BY key")]


def of_collection(db: sqlite3.Connection, collection: int) -> list[Switch]:
    """Return everything that became of a collection's versions, oldest first."""
    rows = db.execute(f"{_SELECT} WHERE collection = ? ORDER BY key", (collection,))
    return [Switch(*row) for row in rows]


def formers(db: sqlite3.Connection) -> dict[int, int]:
    """Return by collection the version that its last cutover replaced; none after a rollback."""
    last = db.execute(
        "SELECT collection, event, former FROM switches WHERE key IN"
        " (SELECT max(key) FROM switches WHERE event IN (?, ?) GROUP BY collection)",
        PUT_IN_CHARGE,
    )
    return {collection: former for collection, event, former in last if event == "cutover"}
