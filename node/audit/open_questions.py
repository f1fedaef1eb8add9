"""Questions that were sent and have not ended: what a node that was killed left behind.

Rule of this file: the rows follow the leaves, in the same transaction: a ``sent`` leaf opens its
question, ``received`` and ``unanswered`` end it. So a node that starts knows what was cut off
without reading the log, and every question ends in a leaf (docs/protocol.md, section 6).
"""

import sqlite3
from dataclasses import dataclass

from node.audit import many_rows
from protocol.leaf import Leaf, Received, Sent, Unanswered

INTERRUPTED = "interrupted"
"""The reason in the ``unanswered`` leaf of a question whose asker ended before it did."""


@dataclass(frozen=True)
class OpenQuestion:
    """A question to ``peer`` by the digest of its body."""

    peer: str
    query: str


class OpenQuestions:
    """What a batch's leaves open and end: the last word on each question counts."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], bool] = {}

    def follow(self, leaf: Leaf) -> None:
        """Open or end the question that a leaf is about; other leaves change nothing."""
        if isinstance(leaf, Sent | Received | Unanswered):
            self._open[leaf.peer, leaf.query] = isinstance(leaf, Sent)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write it down, one statement for what is opened and one for what has ended."""
        opened = [name for name, is_open in self._open.items() if is_open]
        many_rows.insert(connection, "OR IGNORE INTO open_questions", opened)
        ended = [name for name, is_open in self._open.items() if not is_open]
        many_rows.delete(connection, "open_questions", ("peer", "query"), ended)
        self._open.clear()


def still_open(connection: sqlite3.Connection) -> list[OpenQuestion]:
    """Return what was sent and has not ended."""
    rows = connection.execute("SELECT peer, query FROM open_questions ORDER BY peer, query")
    return [OpenQuestion(str(peer), str(query)) for peer, query in rows]
