"""Exporting a part of the audit log: what is logged of it, and the bundle that is written.

Rule of this file: the node logs the export, and whoever runs the command writes the file, from
log.db and with rights of their own; the two meet in the index of the `export` leaf.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from node.operations.errors import InvalidRequest
from node.operations.registry import Progress, operation
from protocol.notation import Organisation

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from node.data_directory import DataDirectory
    from node.node import Node

Whole = Annotated[int, Field(ge=0, le=2**53 - 1)]


class ExportLeaves(BaseModel, extra="forbid"):
    """Which part, by leaf index (`ends` None: all there are), and which leaves of it in clear.

    `roots`: digest of the root documents that go with them. Times: epoch seconds, UTC.
    """

    begins: Whole = 0
    ends: Whole | None = None
    peer: Organisation | None = None
    purpose: str | None = None
    since: Whole | None = None
    until: Whole | None = None
    roots: str


class ExportLogged(BaseModel):
    """Where the `export` leaf stands, and which part it names."""

    index: int
    begins: int
    ends: int


class BundleWritten(ExportLogged):
    """A bundle that was written: leaves of the part in clear and as hashes, sizes of log and file.

    `size` counts the leaves of the tree that its checkpoint signs, `bytes` the file's.
    """

    file: str
    clear: int
    hidden: int
    size: int
    bytes: int
    root_documents: int
    warnings: tuple[str, ...]


@operation("audit.export", role="auditor")
async def export(node: Node, request: ExportLeaves, progress: Progress) -> ExportLogged:
    """Log that a part of the audit log is handed out; the command line then writes the file."""
    from node.audit.entry import Entry
    from node.operations.caller import caller
    from protocol.event_leaves import Exported

    del progress
    size = node.log.size()
    ends = size if request.ends is None else request.ends
    if not request.begins <= ends <= size:
        raise InvalidRequest(
            f"The log has {size} leaves, from index 0 on; that part is not among them.",
            fix="See the indexes in `interlingua audit search`.",
        )
    fields = request.model_dump(exclude={"ends"}, exclude_none=True)
    leaf = Exported(at=node.clock(), by=caller(), ends=ends, **fields)
    receipt = await node.log.append(Entry(leaf))
    return ExportLogged(index=receipt.index, begins=leaf.begins, ends=leaf.ends)


def wait_for_witnesses(data: DataDirectory, index: int, seconds: float) -> None:
    """Wait until a cosigned checkpoint holds a leaf, where the node runs and has witnesses."""
    import time

    from node.audit import cosigned_rows, schema

    until = time.monotonic() + seconds
    while data.listeners_file.exists() and time.monotonic() < until:
        with schema.snapshot(data.log_file) as connection:
            kept = cosigned_rows.checkpoints(connection)
        if not kept or kept[0].size > index:
            return
        time.sleep(0.25)


def write_bundle_file(
    data: DataDirectory, logged: ExportLogged, roots: tuple[bytes, ...], out: Path, file: BinaryIO
) -> BundleWritten:
    """Write the bundle of an export that is logged to `file`, which is open under the name `out`.

    Raises AuditError's kinds or OSError.
    """
    from node.audit.export import write_part

    written = write_part(data.log_file, logged.index, roots, file)
    return BundleWritten(
        **logged.model_dump(),
        **vars(written),
        file=str(out),
        root_documents=len(roots),
        warnings=(),
    )
