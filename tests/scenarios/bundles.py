"""Exporting a running organisation's log, as an auditor is given it."""

from pathlib import Path

from node.audit.export import kept_roots
from node.operations.audit_export import ExportLeaves, ExportLogged, write_bundle_file
from protocol.bundle import roots_digest
from tests.scenarios.world import Organisation


async def bundle(organisation: Organisation, out: Path) -> Path:
    """Export an organisation's whole log."""
    data = organisation.node.data
    roots = kept_roots(data, None)
    request = ExportLeaves(roots=roots_digest(roots.raws))
    logged = await organisation.do("audit.export", request, ExportLogged)
    with out.open("xb") as file:
        write_bundle_file(data, logged, roots.raws, out, file)
    return out
