"""What the log remembers besides leaves: nonces, stored answers, debits, exposures, receipts.

Rule of this file: written only inside the writer's transaction, and a live nonce or idempotency
key is never replaced or purged. Live means: the present second is not after ``until``.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from node.audit import many_rows
from node.audit.entry import ResetEffect
from node.content.content import SealedAnswer

DAY_S = 86_400
Name = tuple[str, str]  # peer, and a nonce or an idempotency key
_OLDEST_ANSWERS = "SELECT rowid, until FROM idempotency ORDER BY rowid LIMIT ?2"
PURGE_ROWS = 512  # expired rows removed per batch: more than a batch adds, so that none pile up


@dataclass(frozen=True)
class StoredRow:
    """What was answered to an idempotency key, as it lies here."""

    body_digest: str
    answer: SealedAnswer
    leaf_index: int
    until: int


def forget(connection: sqlite3.Connection, reset: ResetEffect) -> None:
    """Forget what was debited before, and what was asked; recent effects have been entered."""
    of = "peer = ?1 AND (?2 IS NULL OR collection = ?2)"
    for statement in (
        f"DELETE FROM earlier_queries WHERE {of}",  # noqa: S608 - this function's own words
        f"DELETE FROM earlier_probes WHERE {of}",  # noqa: S608 - as above
        f"DELETE FROM earlier_exposures WHERE scope IN (SELECT id FROM scopes WHERE {of})",  # noqa: S608 - as above
    ):
        connection.execute(statement, (reset.peer, reset.collection))


def recorded(
    connection: sqlite3.Connection, nonces: list[Name], keys: list[Name], at: int
) -> tuple[set[Name], set[Name]]:
    """Return which of these nonces and of these idempotency keys are live at ``at``.

    Of the nonces, those that were entered; recent ones are in the writer's memory.
    """
    live = "SELECT w.column1, w.column2 FROM (VALUES {{rows}}) w CROSS JOIN {0} f ON"
    live += " f.peer = w.column1 AND f.{1} = w.column2 WHERE f.until >= ?"
    return (
        _names(connection, live.format("earlier_nonces", "nonce"), nonces, at),
        _names(connection, live.format("idempotency", "key"), keys, at),
    )


def _names(connection: sqlite3.Connection, query: str, names: list[Name], at: int) -> set[Name]:
    return {(str(peer), str(name)) for peer, name in many_rows.found(connection, query, names, at)}


def purge(connection: sqlite3.Connection, at: int) -> bool:
    """Remove some of the nonces, stored answers and probes that expired before ``at``.

    True where nothing is left of them. Stored answers lie in the order in which they were given,
    and live equally long: the oldest are looked at.
    """
    removed = [
        connection.execute(
            f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {which} LIMIT ?2)",  # noqa: S608 - one of the names below
            (before, PURGE_ROWS),
        ).rowcount
        for table, key, which, before in (
            ("earlier_nonces", "peer, nonce", "earlier_nonces WHERE until < ?1", at),
            ("idempotency", "rowid", f"({_OLDEST_ANSWERS}) WHERE until < ?1", at),
            (
                "earlier_probes",
                "day, peer, collection, mark",
                "earlier_probes WHERE day < ?1",
                at // DAY_S - 1,
            ),
        )
    ]
    return max(removed) < PURGE_ROWS


def nonces(connection: sqlite3.Connection, at: int) -> list[tuple[str, str, int]]:
    """Return every nonce that is live at ``at``: (peer, nonce, until)."""
    rows = connection.execute("SELECT peer, nonce, until FROM nonces WHERE until >= ?", (at,))
    return [(str(peer), str(nonce), int(until)) for peer, nonce, until in rows]


def spent(connection: sqlite3.Connection, peer: str, collection: str, day: int) -> int:
    """Return the vectors debited from ``peer`` for ``collection`` on ``day``."""
    row = connection.execute(
        "SELECT coalesce(sum(n), 0) FROM queries WHERE peer = ? AND collection = ? AND day = ?",
        (peer, collection, day),
    ).fetchone()
    return int(row[0])


def exposed(
    connection: sqlite3.Connection, peer: str, collection: str, epoch: int
) -> dict[int, int]:
    """Return how many answers have told ``peer`` of each record, for those that have any."""
    rows = connection.execute(
        "SELECT document, sum(n) FROM exposures WHERE peer = ? AND collection = ? AND epoch = ? "
        "GROUP BY document",
        (peer, collection, epoch),
    )
    return {int(document): int(n) for document, n in rows}


def probes(
    connection: sqlite3.Connection, peer: str, collection: str, day: int, most: int
) -> list[tuple[bytes, bytes]]:
    """Return mark and sketch of at most ``most`` vectors that ``peer`` was answered on ``day``."""
    rows = connection.execute(
        "SELECT mark, sketch FROM probes WHERE day = ? AND peer = ? AND collection = ? LIMIT ?",
        (day, peer, collection, most),
    )
    return [(bytes.fromhex(mark), bytes.fromhex(sketch)) for mark, sketch in rows]


def exposed_records(
    connection: sqlite3.Connection, peer: str | None, epoch: int
) -> list[tuple[str, str, int, int, int]]:
    """Return (peer, collection, records, answers, most) of what was told in ``epoch``, by name.

    ``most``: answers about the record that has most; ``peer`` None: of every peer.
    """
    rows = connection.execute(
        "SELECT peer, collection, count(*), sum(n), max(n) FROM ("
        "SELECT peer, collection, sum(n) AS n FROM exposures "
        "WHERE epoch = ?1 AND (?2 IS NULL OR peer = ?2) GROUP BY peer, collection, document) "
        "GROUP BY peer, collection ORDER BY peer, collection",
        (epoch, peer),
    )
    return [(str(p), str(c), int(records), int(n), int(most)) for p, c, records, n, most in rows]


def most_exposed(connection: sqlite3.Connection, collection: str, most: int) -> list[int]:
    """Return at most so many records of a collection that partners were told of, most often first.

    Counts of all partners and of all epochs that are kept.
    """
    rows = connection.execute(
        "SELECT document FROM exposures WHERE collection = ? GROUP BY document"
        " ORDER BY sum(n) DESC, document LIMIT ?",
        (collection, most),
    )
    return [int(document) for (document,) in rows]


def entered_nonces(connection: sqlite3.Connection) -> Iterator[tuple[str, str, int]]:
    """Yield peer, nonce and last live second of each nonce that was entered, expired or not."""
    for peer, nonce, until in connection.execute("SELECT peer, nonce, until FROM earlier_nonces"):
        yield str(peer), str(nonce), int(until)


def answered(connection: sqlite3.Connection) -> Iterator[tuple[str, str, int]]:
    """Yield peer, idempotency key and last live second of each stored answer, expired or not."""
    for peer, key, until in connection.execute("SELECT peer, key, until FROM idempotency"):
        yield str(peer), str(key), int(until)


def idempotent(connection: sqlite3.Connection, peer: str, key: str, at: int) -> StoredRow | None:
    """Return what was answered to ``key`` if it is live at ``at``."""
    row = connection.execute(
        "SELECT body_digest, slot, sealed, leaf_index, until FROM idempotency "
        "WHERE peer = ? AND key = ? AND until >= ?",
        (peer, key, at),
    ).fetchone()
    if row is None:
        return None
    answer = SealedAnswer(int(row[1]), bytes(row[2]))
    return StoredRow(str(row[0]), answer, int(row[3]), int(row[4]))
