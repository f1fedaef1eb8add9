"""Answers that were released and that nobody has confirmed yet, on the responder's side.

Rule of this file: the rows follow the leaves, in the same transaction: ``answered`` and
``repeated`` open one, ``acknowledged`` ends it, ``unacknowledged`` notes that it is late. A late
one may still be confirmed for a week. So each answer is confirmed once, however often a partner
says so.
"""

import sqlite3
from collections.abc import Sequence

from node.audit import many_rows
from node.audit.errors import AlreadyRecorded
from protocol.leaf import (
    Acknowledged,
    Answered,
    Leaf,
    Received,
    Repeated,
    Unacknowledged,
    decode_leaf,
)

LATE_S = 7 * 86_400
"""How long after it was noted as late an answer may still be confirmed (seconds)."""


def refuse_again(connection: sqlite3.Connection, leaf: Leaf) -> None:
    """Raise AlreadyRecorded where an ``acknowledged`` leaf names what is confirmed already."""
    if not isinstance(leaf, Acknowledged):
        return
    if len(waiting(connection, leaf.peer, leaf.confirmed)) < len(leaf.confirmed):
        raise AlreadyRecorded("These answers were acknowledged before.")


Row = tuple[int, str, str, int]


def row(leaf: Leaf, index: int) -> Row | None:
    """Return what a leaf opens: (index, peer, answer, at); None where that is nothing."""
    if isinstance(leaf, Answered | Repeated):
        return index, leaf.peer, leaf.answer, leaf.at
    return None


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Open what several leaves are about."""
    many_rows.insert(connection, "INTO unacknowledged (idx, peer, answer, at)", rows)


def depends_on_rows(leaf: Leaf) -> bool:
    """Whether ``refuse_again`` or ``follow`` look at rows of other leaves for this one."""
    return isinstance(leaf, Acknowledged | Unacknowledged)


def follow(connection: sqlite3.Connection, leaf: Leaf) -> None:
    """End or mark what a leaf is about; other leaves change nothing."""
    if isinstance(leaf, Acknowledged):
        confirmed = ((each,) for each in leaf.confirmed)
        connection.executemany("DELETE FROM unacknowledged WHERE idx = ?", confirmed)
    elif isinstance(leaf, Unacknowledged):
        late = ((each,) for each in leaf.unconfirmed)
        connection.executemany("UPDATE unacknowledged SET noted = 1 WHERE idx = ?", late)
        connection.execute(
            "DELETE FROM unacknowledged WHERE noted = 1 AND at < ?", (leaf.at - LATE_S,)
        )


def waiting(connection: sqlite3.Connection, peer: str, leaves: Sequence[int]) -> dict[int, str]:
    """Return the answer digests of those of these leaves that wait for ``peer``, by index."""
    found = {}
    for index in leaves:
        row = connection.execute(
            "SELECT answer FROM unacknowledged WHERE idx = ? AND peer = ?", (index, peer)
        ).fetchone()
        if row is not None:
            found[index] = str(row[0])
    return found


def overdue(connection: sqlite3.Connection, before: int) -> list[tuple[str, int]]:
    """Return (peer, leaf) of what was answered before that second and is not noted as late."""
    rows = connection.execute(
        "SELECT peer, idx FROM unacknowledged WHERE at < ? AND noted = 0 ORDER BY peer, idx",
        (before,),
    )
    return [(str(peer), int(index)) for peer, index in rows]


def received_since(connection: sqlite3.Connection, at: int) -> list[tuple[int, Received]]:
    """Return index and leaf of each ``received`` leaf from that second on, in their order."""
    rows = connection.execute(
        "SELECT idx, data FROM facts JOIN leaves USING (idx) "
        "WHERE type = 'received' AND at >= ? ORDER BY idx",
        (at,),
    )
    leaves = ((int(index), decode_leaf(bytes(data))) for index, data in rows)
    return [(index, leaf) for index, leaf in leaves if isinstance(leaf, Received)]
