"""What `audit reconcile` returns.

Rule of this file: as for one bundle, it imports nothing that needs a node.
"""

from __future__ import annotations

import shlex
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.audit_bundle import BundleVerified, lines_of
from node.operations.errors import InvalidRequest, NotVerified

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from node.audit.bundle_check import BundleCheck


class DifferenceNamed(BaseModel):
    """One exchange that only one side knows, or on which they differ (docs/audit.md).

    `asker_leaf` and `responder_leaf` are indexes in the two logs; `at` is epoch seconds, UTC.
    """

    kind: str
    asker: str
    responder: str
    query: str
    at: int
    asker_leaf: int | None
    responder_leaf: int | None
    detail: str


class BundlesReconciled(BaseModel):
    """Two bundles joined: `agreed` requests that both sides tell alike, and what differs.

    `contradictory`: one of the two logs cannot be true. `bundles` as `audit verify` shows them.
    """

    agreed: int
    contradictory: bool
    differences: tuple[DifferenceNamed, ...]
    bundles: tuple[BundleVerified, BundleVerified]


def reconcile_bundles(one: Path, other: Path, fingerprints: Sequence[str]) -> BundlesReconciled:
    """Verify two bundles and join them.

    Raises NotVerified for one that does not verify, InvalidRequest for two of one organisation.
    """
    from node.audit.bundle_pair import check_pair

    done = check_pair(partial(lines_of, one), partial(lines_of, other), fingerprints)
    for path, check in zip((one, other), done.checks, strict=True):
        if check.findings:
            raise _not_verified(path, check)
    if done.joined is None:
        raise InvalidRequest(
            f"Both bundles are of {done.checks[0].owner}: there is nothing to join.",
            fix="Name one bundle of each side.",
        )
    first, second = (BundleVerified.of(check) for check in done.checks)
    return BundlesReconciled(
        agreed=done.joined.agreed,
        contradictory=done.joined.contradictory,
        differences=tuple(DifferenceNamed(**asdict(each)) for each in done.joined.differences),
        bundles=(first, second),
    )


def _not_verified(path: Path, check: BundleCheck) -> NotVerified:
    found = check.findings.listed[0]
    return NotVerified(
        f"{path} does not verify, so nothing was joined: {found.kind}: {found.detail}.",
        fix=f"interlingua audit verify {shlex.quote(str(path))}",
        code="bundle-not-verified",
    )
