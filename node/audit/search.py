"""`audit search`: the newest leaves that pass a filter, as a person reads them.

Rule of this file: reading follows the committed log; a leaf that cannot be decoded is shown as such
and never hidden.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from node.audit import schema, tree_rows
from node.audit.errors import LogDamaged
from protocol.canonical import dumps
from protocol.leaf import MalformedLeaf, decode_leaf
from protocol.leaf_filter import LeafFilter
from protocol.merkle import root

MAX_FOUND = 10_000  # leaves in one call
CHUNK = 1 << 16
"""Leaves that SQLite looks through at a time, so that progress can be told."""

Progress = Callable[[int, int | None, str], None]
FACTS = frozenset({"type", "peer"})
"""Fields of leaves that the facts table repeats, beside the time."""


@dataclass(frozen=True)
class Seen:
    """One leaf: its place, and its fields without the request's evidence."""

    index: int
    at: int
    type: str
    peer: str | None
    fields: dict[str, Any]


@dataclass(frozen=True)
class Found:
    """The newest leaves that pass, newest first, and whether older ones do too.

    ``origin``, ``size`` and ``root`` (32 bytes): of which log, as it was then.
    """

    origin: str
    size: int
    root: bytes
    leaves: list[Seen]
    more: bool


def untold(done: int, total: int | None, what: str) -> None:
    """Tell nobody of progress."""


def search(
    path: Path,
    wanted: LeafFilter,
    limit: int,
    before: int | None = None,
    progress: Progress = untold,
) -> Found:
    """Return the newest leaves that pass; ``before``: only those with a smaller index.

    Raises LogDamaged, LogTooNew or LogUnavailable where log.db cannot be read.
    """
    found: list[Seen] = []
    limit = min(limit, MAX_FOUND)
    with schema.snapshot(path) as connection:
        size = tree_rows.size(connection)
        name, head = schema.meta(connection, "origin"), _root(connection, size)
        for index, at, type_, peer, data in _passing(connection, wanted, before, progress):
            if len(found) == limit:
                return Found(name, size, head, found, more=True)
            found.append(Seen(index, at, type_, peer, _fields(data)))
    return Found(name, size, head, found, more=False)


def _root(connection: sqlite3.Connection, size: int) -> bytes:
    """The root by the stored hashes; where one is missing, nothing: `fsck` says what is wrong."""
    try:
        return root(size, tree_rows.hash_reader(connection))
    except LogDamaged:
        return b""


def count(path: Path, wanted: LeafFilter) -> tuple[int, int]:
    """Return the log's size and how many of its leaves pass; errors as ``search``."""
    with schema.snapshot(path) as connection:
        where, values = of_facts(wanted)
        if wanted.stated().keys() <= FACTS:
            facts = connection.execute(f"SELECT count(*) FROM facts f WHERE {where}", values)  # noqa: S608 - `where` is made of the texts below
            return tree_rows.size(connection), int(facts.fetchone()[0])
        return tree_rows.size(connection), sum(1 for _ in _passing(connection, wanted, None))


def passing(
    connection: sqlite3.Connection, wanted: LeafFilter, progress: Progress = untold
) -> Iterator[bytes]:
    """Yield the bytes of every leaf that passes, newest first."""
    return (row[-1] for row in _passing(connection, wanted, None, progress))


def _passing(
    connection: sqlite3.Connection,
    wanted: LeafFilter,
    before: int | None,
    progress: Progress = untold,
) -> Iterator[tuple[int, int, str, str | None, bytes]]:
    """The facts table first; then the leaves' bytes, of which the most never reach Python.

    Canonical JSON has one spelling, so a leaf with a field contains that field's bytes.
    """
    within = {name: value for name, value in wanted.stated().items() if name not in FACTS}
    where, values = of_facts(wanted)
    where += " AND instr(l.data, ?) > 0" * len(within)
    values += [_spelt(name, value) for name, value in within.items()]
    size = tree_rows.size(connection)
    ends = size if before is None else min(before, size)
    for end in range(ends, 0, -CHUNK):
        rows = connection.execute(
            "SELECT f.idx, f.at, f.type, f.peer, l.data FROM facts f JOIN leaves l USING (idx) "  # noqa: S608 - `where` is made of the texts here and below
            f"WHERE {where} AND f.idx >= ? AND f.idx < ? ORDER BY f.idx DESC",
            [*values, max(0, end - CHUNK), end],
        )
        yield from (row for row in rows if not within or _has(row[-1], within))
        progress(ends - max(0, end - CHUNK), ends, "leaves")


def of_facts(wanted: LeafFilter) -> tuple[str, list[object]]:
    """Return what the facts table `f` must say: SQL, and the values of its question marks."""
    conditions: dict[str, object] = {
        "f.peer = ?": wanted.peer,
        "f.type = ?": wanted.type,
        "f.at >= ?": wanted.since,
        "f.at < ?": wanted.until,
    }
    given = [(text, value) for text, value in conditions.items() if value is not None]
    return " AND ".join(text for text, _ in given) or "1", [value for _, value in given]


def _spelt(name: str, value: str) -> bytes:
    return dumps({name: value})[1:-1]


def _has(data: bytes, within: dict[str, str]) -> bool:
    """Whether the fields stand in the leaf itself, not in a part of it such as a filter."""
    try:
        leaf = orjson.loads(data)
    except orjson.JSONDecodeError:
        return True  # shown as it is
    return isinstance(leaf, dict) and all(leaf.get(name) == value for name, value in within.items())


def _fields(data: bytes) -> dict[str, Any]:
    try:
        leaf = decode_leaf(data)
    except MalformedLeaf as error:
        return {"malformed": str(error)}
    return leaf.model_dump(mode="json", exclude_none=True, exclude={"evidence", "v", "salt"})
