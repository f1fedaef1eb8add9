"""A report as CSV (RFC 4180): each table with its title and header line, an empty line between.

Rule of this file: a cell that a spreadsheet would take for a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io

from node.audit.reports.report import Cell, Report

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(report: Report) -> str:
    """Return the report's tables as CSV, lines ended by CRLF."""
    text = io.StringIO()
    lines = csv.writer(text)
    for place, table in enumerate(report.tables):
        if place:
            text.write("\r\n")
        lines.writerow([table.title])
        lines.writerow(table.columns)
        lines.writerows([_plain(cell) for cell in row] for row in table.rows)
    return text.getvalue()


def _plain(cell: Cell) -> Cell:
    formula = isinstance(cell, str) and len(cell) > 1 and cell.startswith(_FORMULA)
    return f"'{cell}" if formula else cell
