"""Reports on the audit log: by whoever owns the file from the file, by a token through the node.

Rule of this file: a report that goes through the node is a reading, and is in the log before it is
made (ADR 0040). The one about a record always does, because the store knows the record's key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ConfigDict

from node.audit.reports.report import Kind, Period, Report
from node.operations.caller import caller
from node.operations.errors import InvalidRequest, NotFound
from node.operations.registry import Progress, operation
from protocol.leaf_filter import LeafFilter
from protocol.notation import CollectionName, Organisation, PurposeName, Time, WireModel

if TYPE_CHECKING:
    from pathlib import Path

    from node.node import Node


class ReportRequest(WireModel):
    """Which report, and about what; `record`: the document's id, for kind `subject`."""

    model_config = ConfigDict(strict=False)

    kind: Kind
    peer: Organisation | None = None
    purpose: PurposeName | None = None
    collection: CollectionName | None = None
    since: Time | None = None
    until: Time | None = None
    period: Period = "month"
    record: str | None = None

    def wanted(self) -> LeafFilter:
        """Which leaves it is about."""
        return LeafFilter(**self.model_dump(exclude={"kind", "period", "record"}))


@operation("audit.report", role="auditor")
async def report(node: Node, request: ReportRequest, progress: Progress) -> Report:
    """Report what partners were told, refused or how far records are exposed; this is logged."""
    import asyncio

    from node.audit.reports.making import make_report
    from node.audit.search import count

    _check(request)
    wanted, file = request.wanted(), node.data.log_file
    reading = f"report-{request.kind}"
    await node.readings.note(
        caller(), reading, lambda: count(file, wanted), wanted, record=request.record
    )
    record = _record(node, request)  # whether there is one is an answer already
    return await asyncio.to_thread(
        make_report, file, request.kind, wanted, request.period, progress, record
    )


def report_from_file(path: Path, request: ReportRequest, progress: Progress) -> Report:
    """Make a report from a log.db alone; for every kind but `subject`."""
    from node.audit.reports.making import make_report

    _check(request)
    return make_report(path, request.kind, request.wanted(), request.period, progress)


def _check(request: ReportRequest) -> None:
    about = request.collection is not None and request.record is not None
    if request.kind == "subject" and not about:
        raise InvalidRequest(
            "A report about a record needs its collection and its id.",
            fix="interlingua audit report subject --collection NAME --record ID",
        )
    if request.kind != "subject" and request.record is not None:
        raise InvalidRequest(
            f"The report {request.kind} is not about one record.",
            fix="Ask for the report `subject`, or leave the record out.",
        )
    if request.kind == "exposure" and request.purpose is not None:
        raise InvalidRequest(
            "Exposure is counted over all purposes together.", fix="Leave the purpose out."
        )


def _record(node: Node, request: ReportRequest) -> tuple[str, int] | None:
    """The record's id and internal key, None where the report is about no record."""
    if request.collection is None or request.record is None:
        return None
    row = node.collections.get(request.collection).find([request.record]).get(request.record)
    if row is None:
        raise NotFound(
            f"{request.collection} has no document {request.record}.",
            fix="After its deletion nobody knows under which key it was counted; "
            "`interlingua audit report exposure` counts it still.",
            code="document-unknown",
        )
    return request.record, row.key
