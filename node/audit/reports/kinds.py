"""What each kind of report tells: disclosures, refusals, exposure, and one record's history.

Rule of this file: a number in a report is a count or sum of leaves, or a counter whose sums `audit
verify` compares with them; so whoever has the log can make the report again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator

from node.audit.reports.grouping import (
    NOT_STATED,
    Leaf,
    grouped,
    leaves,
    number,
    of_type,
    one,
)
from node.audit.reports.report import Cell, Period, ReportTable, day, moment
from node.audit.reports.tally import tallied
from node.audit.search import Progress
from node.federation.epochs import EPOCH_S, epoch_of
from protocol.leaf_filter import LeafFilter

LISTED = 1_000
"""Refusals that a report lists one by one, the newest; the counts above are of all."""

_ASKED = {"Collection": "collection", "Purpose": "purpose", "Agreement": "agreement"}


def disclosures(
    connection: sqlite3.Connection, wanted: LeafFilter, period: Period, progress: Progress
) -> list[ReportTable]:
    """What partners were told, and what they were sent as questions."""
    fields, told = tuple(_ASKED.values()), ("vectors", "results", "exposed")
    both = ("answered", "repeated")
    answered = tallied(connection, wanted, both, fields, told, progress)
    sent = tallied(connection, wanted, ("sent",), fields, ("vectors",), progress)
    return [
        grouped(
            "Answers to partners",
            answered,
            period,
            _ASKED,
            {
                "Answers": of_type("answered"),
                "Repeated": of_type("repeated"),
                "Question vectors": number("vectors"),
                "Results": number("results"),
                "Records told": number("exposed"),
            },
        ),
        grouped(
            "Questions sent to partners",
            sent,
            period,
            _ASKED,
            {"Questions": one, "Question vectors": number("vectors")},
        ),
    ]


def denied(
    connection: sqlite3.Connection, wanted: LeafFilter, period: Period, progress: Progress
) -> list[ReportTable]:
    """What partners were refused, and why: by leaf, and what has no leaf of its own."""
    found = list(leaves(connection, wanted, ("denied", "error"), progress))
    counts = grouped(
        "Refused requests",
        iter(found),
        period,
        {"Decision": "decision", "Reason": "reason", **_ASKED},
        {"Requests": one},
    )
    newest = sorted(found, key=lambda leaf: int(leaf["at"]), reverse=True)[:LISTED]
    names = ("peer", "decision", "reason", "collection", "purpose", "agreement", "query")
    listed: list[tuple[Cell, ...]] = [
        (moment(int(leaf["at"])), *(str(leaf.get(name, NOT_STATED)) for name in names))
        for leaf in newest
    ]
    columns = ("Time", "Partner", "Decision", "Reason", *_ASKED, "Query digest")
    tables = [counts, ReportTable(title="One by one", columns=columns, rows=tuple(listed))]
    if not wanted.stated().keys() - {"peer"}:
        tables.append(_uncounted(connection, wanted, period, progress))
    return tables


def _uncounted(
    connection: sqlite3.Connection, wanted: LeafFilter, period: Period, progress: Progress
) -> ReportTable:
    """Refusals that left no leaf of their own: of rate and replay, and of strangers."""

    def each() -> Iterator[Leaf]:
        for leaf in leaves(connection, wanted, ("refused",), progress):
            for code, n in leaf["counts"].items():
                who = leaf.get("peer", "(not authenticated)")
                yield {"at": leaf["minute"], "peer": who, "reason": code, "n": n}

    title = "Refused and only counted"
    return grouped(title, each(), period, {"Reason": "reason"}, {"Requests": number("n")})


def exposure(connection: sqlite3.Connection, wanted: LeafFilter) -> list[ReportTable]:
    """Of how many records partners were told in each epoch, by the counters of the log."""
    rows = connection.execute(
        "SELECT peer, epoch, collection, count(*), sum(n), max(n) FROM ("
        "SELECT peer, epoch, collection, sum(n) AS n FROM exposures "
        "WHERE (?1 IS NULL OR peer = ?1) AND (?2 IS NULL OR collection = ?2) "
        "GROUP BY peer, epoch, collection, document) "
        "GROUP BY peer, epoch, collection ORDER BY peer, epoch, collection",
        (wanted.peer, wanted.collection),
    )
    made: list[tuple[Cell, ...]] = [
        (peer, *epoch_days(epoch), collection, records, answers, most)
        for peer, epoch, collection, records, answers, most in rows
        if within(epoch, wanted)
    ]
    columns = ("Partner", "From", "To", "Collection", "Records", "Answers", "Most about one")
    return [
        ReportTable(title="Records that partners were told of", columns=columns, rows=tuple(made))
    ]


def subject(
    connection: sqlite3.Connection,
    wanted: LeafFilter,
    period: Period,
    record: int,
    progress: Progress,
) -> list[ReportTable]:
    """Who was told of one record (its internal key), how often, and what they asked for then."""
    rows = connection.execute(
        "SELECT peer, epoch, sum(n) FROM exposures WHERE collection = ?1 AND document = ?2 "
        "AND (?3 IS NULL OR peer = ?3) GROUP BY peer, epoch ORDER BY peer, epoch",
        (wanted.collection, record, wanted.peer),
    ).fetchall()
    told = [(peer, epoch, n) for peer, epoch, n in rows if within(epoch, wanted)]
    counted: list[tuple[Cell, ...]] = [(peer, *epoch_days(epoch), n) for peer, epoch, n in told]
    epochs = {(peer, epoch) for peer, epoch, _ in told}

    return [
        ReportTable(
            title="Who was told of the record",
            columns=("Partner", "From", "To", "Answers about it"),
            rows=tuple(counted),
        ),
        asked_meanwhile(connection, wanted, period, epochs, progress),
    ]


def asked_meanwhile(
    connection: sqlite3.Connection,
    wanted: LeafFilter,
    period: Period,
    epochs: Container[tuple[str, int]],
    progress: Progress,
) -> ReportTable:
    """For what partners asked of the collection in some epochs, given as (partner, epoch)."""

    def answers() -> Iterator[Leaf]:
        fields = ("purpose", "agreement", "epoch", "exposed")
        for row in tallied(connection, wanted, ("answered",), fields, (), progress):
            if row.get("exposed") and (row["peer"], row.get("epoch")) in epochs:
                yield {**row, "exposed": row["exposed"] * row["leaves"]}

    return grouped(
        "What these partners asked of the collection in that time",
        answers(),
        period,
        {"Purpose": "purpose", "Agreement": "agreement"},
        {"Answers": one, "Records told": number("exposed")},
    )


def epoch_days(epoch: int) -> tuple[str, str]:
    """First and last day of an epoch."""
    return day(epoch * EPOCH_S), day((epoch + 1) * EPOCH_S - 1)


def within(epoch: int, wanted: LeafFilter) -> bool:
    """Whether some of the epoch lies in the time that is asked for."""
    after = wanted.since is None or epoch >= epoch_of(wanted.since)
    return after and (wanted.until is None or epoch * EPOCH_S < wanted.until)
