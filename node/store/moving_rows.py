"""Documents with their vectors in one version, read in order for a collection that moves.

Each function works within its caller's transaction.
"""

import sqlite3
from collections.abc import Iterator

_OF_VERSION = (
    " FROM chunks c JOIN documents d ON d.key = c.document"
    " JOIN label_sets l ON l.key = d.label_set WHERE c.version = ?"
)

Row = tuple[int, int, int, bytes, str, str, str, str | None, str | None, bytes, bytes | None]
"""Document, start, stop, vector, external id, labels, metadata, uri, text, digest, source."""


def count(db: sqlite3.Connection, version: int) -> int:
    """Return how many vectors a version has."""
    row = db.execute("SELECT count(*) FROM chunks WHERE version = ?", (version,)).fetchone()
    return int(row[0])


def in_order(db: sqlite3.Connection, version: int) -> Iterator[Row]:
    """Yield a version's vectors with their documents, by document and place in it."""
    yield from db.execute(
        "SELECT d.key, c.start, c.stop, c.vector, d.external_id, l.labels, d.metadata,"
        f" d.uri, d.text, d.digest, d.source{_OF_VERSION} ORDER BY c.document, c.ordinal",
        (version,),
    )
