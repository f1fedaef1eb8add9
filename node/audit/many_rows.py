"""Many rows by one statement, for the thread that writes the log.

Rule of this file: no more statements than needed. Between two of them Python lets other threads
run, and a writer that steps row by row waits for a busy event loop at each row.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import chain

_MOST = 256
"""Rows in one statement; with at most 16 columns SQLite's limit of parameters is far."""

Row = Sequence[object]


def insert(
    connection: sqlite3.Connection, into: str, rows: Collection[Row], then: str = ""
) -> None:
    """Insert rows of one width, in their order: ``INSERT <into> VALUES ... <then>``."""
    for part in _parts(rows):
        statement = _insert(into, len(part), len(part[0]), then)
        connection.execute(statement, part[0] if len(part) == 1 else _flat(part))


def delete(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], rows: Collection[Row]
) -> None:
    """Delete the rows of a table whose ``columns`` hold the values of one of these rows."""
    for part in _parts(rows):
        names, marks = ", ".join(columns), _marks(len(part), len(columns))
        connection.execute(
            f"DELETE FROM {table} WHERE ({names}) IN (VALUES {marks})",  # noqa: S608 - callers' own words
            _flat(part),
        )


def found(
    connection: sqlite3.Connection, query: str, rows: Collection[Row], *more: object
) -> Iterator[tuple[object, ...]]:
    """Yield what a query finds whose ``{rows}`` stands for these rows, before its ``more``."""
    for part in _parts(rows):
        marks = _marks(len(part), len(part[0]))
        yield from connection.execute(query.format(rows=marks), (*_flat(part), *more))


def _flat(rows: Collection[Row]) -> list[object]:
    return list(chain.from_iterable(rows))


def _parts(rows: Collection[Row]) -> Iterator[Sequence[Row]]:
    """Cut into lengths that are powers of two: few statements, which stay prepared."""
    left = rows if isinstance(rows, list) else list(rows)
    first, end = 0, len(left)
    while first < end:
        some = min(_MOST, 1 << ((end - first).bit_length() - 1))
        yield left[first : first + some]
        first += some


@cache
def _insert(into: str, rows: int, width: int, then: str) -> str:
    return f"INSERT {into} VALUES {_marks(rows, width)} {then}"  # noqa: S608 - callers' own words


@cache
def _marks(rows: int, width: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * rows)
