"""Questions that were sent and have not ended: what a node that was killed left behind.

Rule of this file: the rows follow the leaves, in the same transaction: a ``sent`` leaf opens its
question, ``received`` and ``unanswered`` end it. So a node that starts knows what was cut off
without reading the log, and every question ends in a leaf (docs/protocol.md, section 6).
"""

import sqlite3
from dataclasses import dataclass

from protocol.leaf import Leaf, Received, Sent, Unanswered

INTERRUPTED = "interrupted"
"""The reason in the ``unanswered`` leaf of a question whose asker ended before it did."""


@dataclass(frozen=True)
class OpenQuestion:
    """A question to ``peer`` by the digest of its body."""

    peer: str
    query: str


def follow(connection: sqlite3.Connection, leaf: Leaf) -> None:
    """Open or end the question that a leaf is about; other leaves change nothing."""
    if isinstance(leaf, Sent):
        connection.execute(
            "INSERT OR IGNORE INTO open_questions VALUES (?, ?)", (leaf.peer, leaf.query)
        )
    elif isinstance(leaf, Received | Unanswered):
        connection.execute(
            "DELETE FROM open_questions WHERE peer = ? AND query = ?", (leaf.peer, leaf.query)
        )


def still_open(connection: sqlite3.Connection) -> list[OpenQuestion]:
    """Return what was sent and has not ended."""
    rows = connection.execute("SELECT peer, query FROM open_questions ORDER BY peer, query")
    return [OpenQuestion(str(peer), str(query)) for peer, query in rows]
