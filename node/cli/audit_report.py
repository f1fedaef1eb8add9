"""`interlingua audit report`: what partners were told, for those who answer for it.

Rule of this file: a report is made from log.db itself, but for the one about a record, which needs
the node's store and so its node, running or stopped.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.instants import parse_instant
from node.cli.invocation import current
from node.cli.output import figures, finish, line, note
from node.cli.own_log import LogOption, of_log, own_log
from node.cli.progress import shown_progress
from node.cli.report_forms import Form, OutOption, write_new, written_as

if TYPE_CHECKING:
    from node.audit.reports.report import Report
    from node.operations.audit_report import ReportRequest


class Kind(StrEnum):
    """The reports that there are."""

    DISCLOSURES = "disclosures"
    DENIED = "denied"
    EXPOSURE = "exposure"
    SUBJECT = "subject"


class Period(StrEnum):
    """Into which periods rows are divided."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


def report(
    kind: Annotated[
        Kind,
        typer.Argument(
            help="disclosures: what partners were told; denied: what they were refused; exposure: "
            "of how many records they know; subject: who was told of one record."
        ),
    ],
    peer: Annotated[str | None, typer.Option(help="Only about this partner.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Only for this purpose.")] = None,
    collection: Annotated[str | None, typer.Option(help="Only about this collection.")] = None,
    record: Annotated[
        str | None,
        typer.Option(
            help="With subject: the document's id in the collection, or a reference to it that a "
            "partner holds, which also names a deleted one."
        ),
    ] = None,
    since: Annotated[str | None, typer.Option(help="From then on: 2026-04-01, 24h, 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="Before then; as --since.")] = None,
    period: Annotated[Period, typer.Option(help="Rows for each of these.")] = Period.MONTH,
    form: Annotated[
        Form, typer.Option("--format", help="html is one page to print, without scripts.")
    ] = Form.TABLE,
    out: OutOption = None,
    log: LogOption = None,
) -> None:
    """Report from the log what partners were told or refused, for a partner and period."""
    from node.cli.new_file import require_new
    from node.operations.audit_report import ReportRequest

    require_new(out)
    request = ReportRequest(
        kind=kind.value,
        peer=peer,
        purpose=purpose,
        collection=collection,
        record=record,
        since=parse_instant(since),
        until=parse_instant(until),
        period=period.value,
    )
    made = _made(request, log)
    if out is not None:
        write_new(out, written_as(form, made))
        note(f"written to {out}")
    finish(
        made,
        lambda: _say(made, form, written=out is not None),
        next_step=f"interlingua audit verify{of_log(log)}",
    )


def _made(request: ReportRequest, log: Path | None) -> Report:
    from node.audit.reports.report import Report
    from node.cli.run import run_operation
    from node.operations.audit_report import report_from_file

    if request.kind == "subject":
        if log is not None:
            raise typer.BadParameter("the report subject needs the node itself", param_hint="--log")
        return run_operation("audit.report", request, Report)
    with shown_progress(current()) as progress:
        return report_from_file(log or own_log(), request, progress)


def _say(made: Report, form: Form, *, written: bool) -> None:
    if form is not Form.TABLE and not written:
        typer.echo(written_as(form, made), nl=False)
        return
    line(f"{made.title}: {made.origin}, {made.size} leaves")
    for each in made.tables:
        line()
        line(each.title)
        if each.rows:
            figures(tuple(column.upper() for column in each.columns), each.rows)
        else:
            line("none")
    for text in made.notes:
        note(text)
