"""Reports on the audit log: by whoever owns the file from the file, by a token through the node.

Rule of this file: a report that goes through the node is a reading, and is in the log before it is
made (ADR 0040). The one about a record always does, because the store knows the record's key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ConfigDict

from node.audit import schema
from node.audit.reports.report import Kind, Period, Report
from node.operations.caller import caller
from node.operations.errors import InvalidRequest
from node.operations.registry import Progress, operation
from protocol.leaf_filter import LeafFilter
from protocol.notation import CollectionName, Organisation, PurposeName, Time, WireModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from node.audit.reports.gone import About
    from node.node import Node


class ReportRequest(WireModel):
    """Which report, and about what.

    `record`, for kind `subject`: the document's id, or a reference that a partner was given.
    """

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
    about = _about(node, request)  # whether there is one is an answer already
    return await asyncio.to_thread(
        make_report, file, request.kind, wanted, request.period, progress, about
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


def _about(node: Node, request: ReportRequest) -> About | None:
    """The record that a report is about, None where it is about none.

    It is named by its id or, also when it was deleted, by a reference that a partner holds.
    """
    from node.audit.reports.gone import About

    name, record = request.collection, request.record
    if name is None or record is None:
        return None
    with schema.snapshot(node.data.log_file) as log:
        told = log.execute("SELECT DISTINCT peer FROM exposures WHERE collection = ?", (name,))
        peers = [peer for (peer,) in told]
    if peers and name not in {each.name for each in node.collections.all()}:
        return About(record, _key_of(node, request, peers), lambda _: ())  # it was dropped
    collection = node.collections.get(name)
    row = collection.find([record]).get(record)
    key = _key_of(node, request, peers) if row is None else row.key
    return About(record, key, collection.external_ids)


def _key_of(node: Node, request: ReportRequest, peers: Sequence[str]) -> int | None:
    """The internal key in a reference that one of these partners was given, None for no such."""
    from node.federation.references import ReferenceForeign

    for peer in peers:
        try:
            return node.references.resolve(peer, str(request.collection), str(request.record))[0]
        except ReferenceForeign:
            continue
    return None
