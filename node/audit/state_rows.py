"""What the log remembers besides leaves: nonces, stored answers, debits, exposures, receipts.

Rule of this file: written only inside the writer's transaction, and a live nonce or idempotency
key is never replaced or purged. Live means: the present second is not after ``until``.
"""

import sqlite3
from dataclasses import dataclass

from node.audit.entry import Effects, ResetEffect
from node.audit.errors import AlreadyRecorded
from node.content.content import SealedAnswer

DAY_S = 86_400
PURGE_ROWS = 512  # expired rows removed per batch: more than a batch adds, so that none pile up


@dataclass(frozen=True)
class StoredRow:
    """What was answered to an idempotency key, as it lies here."""

    body_digest: str
    answer: SealedAnswer
    leaf_index: int
    until: int


def forget(connection: sqlite3.Connection, reset: ResetEffect) -> None:
    """Forget what was debited before, and what was asked."""
    for table in ("queries", "exposures", "probes"):
        connection.execute(
            f"DELETE FROM {table} WHERE peer = ?1 AND (?2 IS NULL OR collection = ?2)",  # noqa: S608 - one of the names above
            (reset.peer, reset.collection),
        )


def refuse_recorded(connection: sqlite3.Connection, effects: Effects, at: int) -> None:
    """Raise AlreadyRecorded if the nonce or the idempotency key is recorded and still live."""
    nonce = effects.nonce
    if nonce and _live(connection, "nonces", "nonce", nonce.peer, nonce.nonce, at):
        raise AlreadyRecorded("This nonce was recorded before.")
    again = effects.idempotency
    if again and _live(connection, "idempotency", "key", again.peer, again.key, at):
        raise AlreadyRecorded("This idempotency key was answered before.")


def _live(
    connection: sqlite3.Connection, table: str, column: str, peer: str, value: str, at: int
) -> bool:
    found = connection.execute(
        f"SELECT 1 FROM {table} WHERE peer = ? AND {column} = ? AND until >= ?",  # noqa: S608 - both names are this file's own
        (peer, value, at),
    )
    return found.fetchone() is not None


def purge(connection: sqlite3.Connection, at: int) -> None:
    """Remove some of the nonces, stored answers and probes that expired before ``at``."""
    connection.execute(
        "DELETE FROM nonces WHERE (peer, nonce) IN "
        "(SELECT peer, nonce FROM nonces WHERE until < ? LIMIT ?)",
        (at, PURGE_ROWS),
    )
    connection.execute(
        "DELETE FROM idempotency WHERE rowid IN "
        "(SELECT rowid FROM idempotency WHERE until < ? LIMIT ?)",
        (at, PURGE_ROWS),
    )
    connection.execute(
        "DELETE FROM probes WHERE (day, peer, collection, mark) IN "
        "(SELECT day, peer, collection, mark FROM probes WHERE day < ? LIMIT ?)",
        (at // DAY_S - 1, PURGE_ROWS),
    )


def nonces(connection: sqlite3.Connection, at: int) -> list[tuple[str, str, int]]:
    """Return every nonce that is live at ``at``: (peer, nonce, until)."""
    rows = connection.execute("SELECT peer, nonce, until FROM nonces WHERE until >= ?", (at,))
    return [(str(peer), str(nonce), int(until)) for peer, nonce, until in rows]


def spent(connection: sqlite3.Connection, peer: str, collection: str, day: int) -> int:
    """Return the vectors debited from ``peer`` for ``collection`` on ``day``."""
    row = connection.execute(
        "SELECT n FROM queries WHERE peer = ? AND collection = ? AND day = ?",
        (peer, collection, day),
    ).fetchone()
    return int(row[0]) if row else 0


def exposed(
    connection: sqlite3.Connection, peer: str, collection: str, epoch: int
) -> dict[int, int]:
    """Return how many answers have told ``peer`` of each record, for those that have any."""
    rows = connection.execute(
        "SELECT document, n FROM exposures WHERE peer = ? AND collection = ? AND epoch = ?",
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
    return [(bytes(mark), bytes(sketch)) for mark, sketch in rows]


def exposed_records(
    connection: sqlite3.Connection, peer: str | None, epoch: int
) -> list[tuple[str, str, int, int, int]]:
    """Return (peer, collection, records, answers, most) of what was told in ``epoch``, by name.

    ``most``: answers about the record that has most; ``peer`` None: of every peer.
    """
    rows = connection.execute(
        "SELECT peer, collection, count(*), sum(n), max(n) FROM exposures "
        "WHERE epoch = ?1 AND (?2 IS NULL OR peer = ?2) GROUP BY peer, collection "
        "ORDER BY peer, collection",
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
