"""Look for everything that keeps the node from doing, or soon will keep it from doing, its work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from node.doctor.finding import Diagnosis, Finding, in_order
from node.operations.registry import NoRequest, Progress, operation

if TYPE_CHECKING:
    from node.node import Node

CHECKS = (
    "files", "listeners", "identity", "pairings", "log", "standing", "content", "witnesses",
    "collections", "versions",
    "encoders", "spaces", "partners",
)  # fmt: skip


@operation("doctor")
async def doctor(node: Node, request: NoRequest, progress: Progress) -> Diagnosis:
    """Check files, listeners, identity, log, collections, encoders, spaces and partners."""
    del request
    from node.doctor import rooms
    from node.doctor.files import check_files
    from node.doctor.hsm import check_hsm
    from node.doctor.identity import check_identity
    from node.doctor.listeners import check_listeners
    from node.doctor.pairing import check_pairings
    from node.doctor.proxy import check_proxy
    from node.doctor.spaces import check_spaces

    progress(0, len(CHECKS), "checks")
    findings: list[Finding] = [
        *check_files(node.data, node.settings.hsm.labels),
        *check_hsm(node),
        *check_listeners(node.settings, node.clock()),
        *check_proxy(os.environ),
        *check_identity(node),
        *check_pairings(node),
    ]
    done = 4
    for check in (
        rooms.check_log,
        rooms.check_standing,
        rooms.check_content,
        rooms.check_witnesses,
        rooms.check_collections,
        rooms.check_versions,
        rooms.check_encoders,
        check_spaces,
        rooms.check_partners,
    ):
        progress(done, len(CHECKS), "checks")
        findings += [finding async for finding in check(node)]
        done += 1
    return Diagnosis(findings=in_order(findings), checked=CHECKS)
