"""Leaves that were searched for, for people: a line each, a sheet, or a page to print.

Rule of this file: a sheet has a column for each field that a leaf found has, so nothing of a leaf
is left out of it but its signature; a line and a page have room for the fields that tell most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.shown_time import shown_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.audit.reports.report import Cell, Report, ReportTable
    from node.operations.audit_search import FoundLeaf, FoundLeaves

TITLE = "Leaves of the audit log"
TOLD = (
    "collection", "purpose", "decision", "reason", "results", "charged", "state",
    "event", "version", "use", "origin", "held_by", "log", "operation", "subject",
    "generation", "counts", "offers", "begins", "ends", "reading", "count", "leaf",
    "basis", "records", "malformed",
)  # fmt: skip
"""Fields that are told in a line: what was asked or done, why refused, how much."""


def row(leaf: FoundLeaf) -> tuple[Cell, ...]:
    """Return index, time, type, partner, and the rest in words."""
    words = (f"{name}={_in_a_word(leaf.fields[name])}" for name in TOLD if name in leaf.fields)
    return leaf.index, shown_time(leaf.at), leaf.type, leaf.peer or "", " ".join(words)


def as_report(found: FoundLeaves, conditions: Mapping[str, str], *, every_field: bool) -> Report:
    """Return what was found as a report, oldest first; `every_field`: each in a column."""
    from node.audit.reports.report import Report

    leaves = tuple(reversed(found.leaves))
    more = () if found.before is None else ("Older leaves pass too, and are not listed.",)
    return Report(
        kind="search",
        title=TITLE,
        origin=found.origin,
        size=found.size,
        root=found.root,
        conditions=tuple(conditions.items()),
        tables=(_sheet(leaves) if every_field else _page(leaves),),
        notes=more,
    )


def _page(leaves: Sequence[FoundLeaf]) -> ReportTable:
    from node.audit.reports.report import ReportTable

    columns = ("Index", "Time", "Type", "Partner", "What")
    return ReportTable(title=TITLE, columns=columns, rows=tuple(map(row, leaves)))


def _sheet(leaves: Sequence[FoundLeaf]) -> ReportTable:
    from node.audit.reports.report import ReportTable

    names = dict.fromkeys(name for leaf in leaves for name in leaf.fields)
    further = [name for name in names if name not in ("type", "at", "peer")]
    rows = tuple(
        (*row(leaf)[:4], *(_cell(leaf.fields.get(name)) for name in further)) for leaf in leaves
    )
    return ReportTable(
        title=TITLE, columns=("Index", "Time", "Type", "Partner", *further), rows=rows
    )


def _cell(value: Any) -> Cell:
    import json

    if value is None:
        return ""
    return value if isinstance(value, str | int) else json.dumps(value, sort_keys=True)


def _in_a_word(value: object) -> object:
    """Counts by name without the spaces and quotes of a dictionary."""
    if not isinstance(value, dict):
        return value
    return ",".join(f"{name}:{count}" for name, count in value.items())
