"""Leaves counted where they lie: SQLite reads the fields, and a few rows come out of a million.

Rule of this file: a row stands for all leaves of one day that agree in type, partner and the fields
asked for. A leaf that is no JSON ends it with LogDamaged: its report would be too small.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from node.audit import tree_rows
from node.audit.search import CHUNK, FACTS, Progress, of_facts
from protocol.leaf_filter import LeafFilter

DAY_S = 86_400


def tallied(
    connection: sqlite3.Connection,
    wanted: LeafFilter,
    types: Sequence[str],
    fields: Sequence[str],
    sums: Sequence[str],
    progress: Progress,
) -> Iterator[Mapping[str, Any]]:
    """Yield rows of the leaves of these types that pass, those of some 65,000 leaves at a time.

    Each has `type`, `peer` and `fields`, as far as its leaves state them; `at` and `last`, their
    first and last time (epoch seconds); `leaves`, how many they are; and `sums` of those fields.
    """
    statement, values = _statement(wanted, types, fields, sums)
    names = ("type", "peer", "at", "last", "leaves", *fields, *sums)
    size = tree_rows.size(connection)
    for begins in range(0, size, CHUNK):
        ends = min(begins + CHUNK, size)
        for row in connection.execute(statement, [begins, ends, *values]):
            yield {n: value for n, value in zip(names, row, strict=True) if value is not None}
        progress(ends, size, f"{types[0]} leaves")


def _statement(
    wanted: LeafFilter, types: Sequence[str], fields: Sequence[str], sums: Sequence[str]
) -> tuple[str, list[object]]:
    """SQL, and the values of its question marks behind the two of the chunk."""
    within = {n: value for n, value in wanted.stated().items() if n not in FACTS}
    where, values = of_facts(wanted.model_copy(update={"type": None}))
    stated = "".join(f" AND {_field(name)} = ?" for name in within)
    read = [_field(name) for name in fields]
    added = [f"sum({_field(name)})" for name in sums]
    groups = ", ".join(["type", "peer", f"at / {DAY_S}", *read])
    marks = ", ".join("?" * len(types))
    text = (
        f"SELECT {', '.join(['type', 'peer', 'min(at)', 'max(at)', 'count(*)', *read, *added])} "  # noqa: S608 - names of fields that the callers write, and question marks
        "FROM (SELECT f.type, f.peer, f.at, CAST(l.data AS TEXT) AS said "
        "FROM facts f JOIN leaves l USING (idx) "
        f"WHERE f.idx >= ? AND f.idx < ? AND {where} AND f.type IN ({marks})) "
        f"WHERE 1{stated} GROUP BY {groups}"
    )
    return text, [*values, *types, *within.values()]


def _field(name: str) -> str:
    return f"json_extract(said, '$.{name}')"
