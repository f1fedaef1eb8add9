"""Making a report from one snapshot of log.db.

Rule of this file: the report names the log, its size and its root, so that it can be compared with
a checkpoint that others hold, and made again.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from node.audit import schema, tree_rows
from node.audit.reports import gone, kinds
from node.audit.reports.gone import About
from node.audit.reports.report import Kind, Period, Report, ReportTable, moment
from node.audit.search import Progress
from protocol.leaf_filter import LeafFilter
from protocol.merkle import root

TITLES: dict[Kind, str] = {
    "disclosures": "Accounting of disclosures",
    "denied": "Refused requests",
    "exposure": "Exposure of records",
    "subject": "Disclosures of one record",
}
NOTES: dict[Kind, tuple[str, ...]] = {
    "disclosures": (
        "An answer holds references, ranks and score bins of documents, never their content. "
        "Answered means released, not delivered.",
    ),
    "denied": (
        "Requests beyond the rate, repeated ones and those of strangers leave no leaf of their own "
        "and are counted by the minute.",
    ),
    "exposure": (
        "Counted are the answers that told a partner of a record, since counters were last reset. "
        "Records without any are not listed.",
    ),
    "subject": (
        "The log counts which records a partner was told of, by half-years. Which of its answers "
        "told of this one it does not say: they are among those of the second table. What was told "
        "of an earlier record of the same name, which was deleted, is not counted here.",
        "Persons who asked are not named.",
    ),
}


def make_report(
    path: Path,
    kind: Kind,
    wanted: LeafFilter,
    period: Period,
    progress: Progress,
    record: About | None = None,
) -> Report:
    """Return a report; ``record`` is what it is about, for kind ``subject``.

    Raises LogDamaged, LogTooNew or LogUnavailable where log.db cannot be read.
    """
    with schema.snapshot(path) as connection:
        if kind == "disclosures":
            tables = kinds.disclosures(connection, wanted, period, progress)
        elif kind == "denied":
            tables = kinds.denied(connection, wanted, period, progress)
        elif kind == "exposure":
            tables = kinds.exposure(connection, wanted)
        else:
            assert record is not None  # noqa: S101 - for the type checker; the caller found it
            tables = _about(connection, wanted, period, record, progress)
        size = tree_rows.size(connection)
        return Report(
            kind=kind,
            title=TITLES[kind],
            origin=schema.meta(connection, "origin"),
            size=size,
            root=root(size, tree_rows.hash_reader(connection)).hex(),
            conditions=_conditions(wanted, record),
            tables=tuple(tables),
            notes=(gone.NOTE, *NOTES[kind][-1:]) if record and record.key is None else NOTES[kind],
        )


def _about(
    connection: sqlite3.Connection,
    wanted: LeafFilter,
    period: Period,
    record: About,
    progress: Progress,
) -> list[ReportTable]:
    if record.key is None:
        return gone.records_gone(connection, wanted, period, record, progress)
    return kinds.subject(connection, wanted, period, record.key, progress)


def _conditions(wanted: LeafFilter, record: About | None) -> tuple[tuple[str, str], ...]:
    shown = dict(wanted.stated())
    if record is not None:
        shown["record"] = record.name
    if wanted.since is not None:
        shown["from"] = moment(wanted.since) + " UTC"
    if wanted.until is not None:
        shown["before"] = moment(wanted.until) + " UTC"
    return tuple(shown.items())
