"""What can still be told of a record that is not in its collection any more.

Rule of this file: a deletion leaves nothing that leads from a record's name to the key under which
it was counted. So the report tells of all records of which that is so, and says that this one, if a
partner was ever told of it, is one of them.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from node.audit.reports.grouping import leaves
from node.audit.reports.kinds import asked_meanwhile, epoch_days, within
from node.audit.reports.report import Cell, Period, ReportTable, moment
from node.audit.search import Progress
from protocol.leaf_filter import LeafFilter

GONE_EVENTS = frozenset({"documents-deleted", "dropped"})
NOTE = (
    "No record of this name is in the collection: it was deleted, or never there. Nothing leads "
    "from its name to its counts any more. If a partner was told of it, it is among the records of "
    "the first table. A reference that a partner holds still names it: give that as the record."
)


@dataclass(frozen=True)
class About:
    """The record that a report is about: its name, and its internal key, None where it is gone.

    `stored` returns those of some internal keys that are in the collection.
    """

    name: str
    key: int | None
    stored: Callable[[Sequence[int]], Container[int]]


def records_gone(
    connection: sqlite3.Connection,
    wanted: LeafFilter,
    period: Period,
    about: About,
    progress: Progress,
) -> list[ReportTable]:
    """Who was told of records that are gone, what they asked for then, and when records went."""
    told = _told(connection, wanted, about)
    counted: list[tuple[Cell, ...]] = [
        (peer, *epoch_days(epoch), len(counts), sum(counts), max(counts))
        for (peer, epoch), counts in sorted(told.items())
    ]
    anybody = wanted.model_copy(update={"peer": None, "purpose": None})
    gone = leaves(connection, anybody, ("collection",), progress)
    deleted: list[tuple[Cell, ...]] = [
        (moment(int(leaf["at"])), str(leaf["event"]))
        for leaf in gone
        if leaf["event"] in GONE_EVENTS
    ]
    columns = ("Partner", "From", "To", "Records", "Answers", "Most about one")
    return [
        ReportTable(
            title="Who was told of records that are gone", columns=columns, rows=tuple(counted)
        ),
        asked_meanwhile(connection, wanted, period, set(told), progress),
        ReportTable(
            title="When records of the collection were deleted",
            columns=("Time", "What"),
            rows=tuple(deleted),
        ),
    ]


def _told(
    connection: sqlite3.Connection, wanted: LeafFilter, about: About
) -> dict[tuple[str, int], list[int]]:
    """Answers about each record that is gone, by partner and epoch."""
    rows = connection.execute(
        "SELECT peer, epoch, document, n FROM exposures WHERE collection = ?1 "
        "AND (?2 IS NULL OR peer = ?2)",
        (wanted.collection, wanted.peer),
    ).fetchall()
    stored = about.stored(sorted({document for _, _, document, _ in rows}))
    told = defaultdict[tuple[str, int], list[int]](list)
    for peer, epoch, document, n in rows:
        if document not in stored and within(epoch, wanted):
            told[peer, epoch].append(n)
    return told
