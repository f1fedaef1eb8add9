"""Leaves gathered into rows: those that agree in some fields are one row of counts.

Rule of this file: leaves are read as bytes and in part; what a row needs is all that is looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from node.audit.reports.report import Cell, Period, ReportTable, day, period_of
from node.audit.search import Progress, passing
from protocol.leaf_filter import LeafFilter

Leaf = Mapping[str, Any]
NOT_STATED = "-"


def leaves(
    connection: sqlite3.Connection, wanted: LeafFilter, types: Sequence[str], progress: Progress
) -> Iterator[Leaf]:
    """Yield the leaves of these types that pass, each type newest first."""
    for name in types:

        def named(done: int, total: int | None, what: str, name: str = name) -> None:
            progress(done, total, f"{name} {what}")

        for raw in passing(connection, wanted.model_copy(update={"type": name}), named):
            yield orjson.loads(raw)


def grouped(
    title: str,
    found: Iterator[Leaf],
    period: Period,
    by: Mapping[str, str],
    sums: Mapping[str, Callable[[Leaf], int]],
) -> ReportTable:
    """Count and add up leaves by partner, period and the fields of ``by`` (column: field).

    ``found``: leaves, or rows that stand for several of one day (tally.py).
    """
    rows: dict[tuple[str, ...], list[int]] = {}
    for leaf in found:
        at, last = int(leaf["at"]), int(leaf.get("last", leaf["at"]))
        fields = (str(leaf.get(field, NOT_STATED)) for field in by.values())
        key = (str(leaf.get("peer", NOT_STATED)), period_of(at, period), *fields)
        row = rows.setdefault(key, [at, last, *(0 for _ in sums)])
        row[:2] = min(row[0], at), max(row[1], last)
        for place, add in enumerate(sums.values(), start=2):
            row[place] += add(leaf)
    made: list[tuple[Cell, ...]] = [
        (*key, *numbers, day(first), day(last))
        for key, (first, last, *numbers) in sorted(rows.items())
    ]
    columns = ("Partner", period.capitalize(), *by, *sums, "First", "Last")
    return ReportTable(title=title, columns=columns, rows=tuple(made))


def one(leaf: Leaf) -> int:
    """Count a leaf, or those that a row stands for."""
    return int(leaf.get("leaves", 1))


def of_type(name: str) -> Callable[[Leaf], int]:
    """Count those of one type."""
    return lambda leaf: one(leaf) if leaf["type"] == name else 0


def number(field: str) -> Callable[[Leaf], int]:
    """Add a field up; where a leaf does not state it, nothing."""
    return lambda leaf: int(leaf.get(field) or 0)
