"""Which leaves of the log belong to one exchange, to one actor, or to an erasure.

Rule of this file: the leaves decide, read from one snapshot of the file; nothing else is kept by
which people or exchanges could be found.
"""

import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path

from node.audit import schema
from protocol.leaf import Erased, decode_leaf

_FIELD = "json_extract(CAST(l.data AS TEXT), '$.{0}')"
_FROM = "FROM facts f JOIN leaves l USING (idx) WHERE f.type IN"


def with_other_leaves(log_file: Path, indexes: Iterable[int]) -> frozenset[int]:
    """Return the leaves with those of the same exchanges: `sent` and `received` name one query."""
    with schema.snapshot(log_file) as log:
        return frozenset(indexes) | _same_queries(log, indexes)


def leaves_of_actors(log_file: Path, commitments: Collection[str]) -> frozenset[int]:
    """Return the leaves of the questions whose actor is one of these commitments."""
    with schema.snapshot(log_file) as log:
        marks = ",".join("?" * len(commitments))
        rows = log.execute(
            f"SELECT f.idx {_FROM} ('sent', 'answered') AND {_FIELD.format('actor')} IN ({marks})",
            tuple(commitments),
        )
        found = [int(row[0]) for row in rows]
        return frozenset(found) | _same_queries(log, found)


def sent_times(
    log_file: Path,
    indexes: Collection[int] | None = None,
    peer: str | None = None,
    before: int | None = None,
) -> list[int]:
    """Return when own questions were sent (epoch seconds, UTC): those of all conditions given."""
    with schema.snapshot(log_file) as log:
        rows = log.execute(
            "SELECT idx, at FROM facts WHERE type = 'sent' AND (?1 IS NULL OR peer = ?1)"
            " AND (?2 IS NULL OR at < ?2)",
            (peer, before),
        )
        return [int(at) for index, at in rows if indexes is None or index in indexes]


def erasures_of(log_file: Path, index: int, kinds: Collection[str]) -> list[int]:
    """Return the `erasure` leaves that name a leaf and records of these kinds, oldest first."""
    with schema.snapshot(log_file) as log:
        rows = log.execute(f"SELECT f.idx, f.peer, l.data {_FROM} ('erasure') ORDER BY f.idx")
        peer = log.execute("SELECT peer FROM facts WHERE idx = ?", (index,)).fetchone()
        return [
            int(at)
            for at, of, raw in rows.fetchall()
            if of in (None, peer and peer[0]) and _names(bytes(raw), index, kinds)
        ]


def _names(raw: bytes, index: int, kinds: Collection[str]) -> bool:
    leaf = decode_leaf(raw)
    return (
        isinstance(leaf, Erased)
        and not leaf.records.keys().isdisjoint(kinds)
        and any(begins <= index < ends for begins, ends in leaf.ranges)
    )


def _same_queries(log: sqlite3.Connection, indexes: Iterable[int]) -> frozenset[int]:
    query = _FIELD.format("query")
    digests = {
        str(row[0])
        for index in indexes
        for row in log.execute(f"SELECT {query} FROM leaves l WHERE l.idx = ?", (index,))  # noqa: S608 - this file's own words
        if row[0] is not None
    }
    if not digests:
        return frozenset()
    rows = log.execute(f"SELECT f.idx, {query} {_FROM} ('sent', 'received')")
    return frozenset(int(index) for index, digest in rows if digest in digests)
