"""What `audit verify FORK` returns: evidence that a log's key signed two trees.

Rule of this file: it imports nothing that needs a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.audit import FoundWrong

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from protocol.note import VerifierKey

BEGINS = b'{"first":'
"""How a file of evidence begins, and no bundle does."""


class SignedTree(BaseModel):
    """One of the two: its leaves, and its root hash in hex."""

    size: int
    root: str


class ForkVerified(BaseModel):
    """The result for evidence of a fork.

    `key_given`: the log's key, or its owner's root key, is one that the auditor was told;
    `fingerprint` in words is that of the root key in the file.
    """

    verdict: str
    origin: str | None
    fingerprint: str | None
    key_given: bool
    trees: tuple[SignedTree, ...]
    findings: tuple[FoundWrong, ...]


def is_fork(path: Path) -> bool:
    """Tell whether a file is to be read as evidence of a fork."""
    with path.open("rb") as file:
        return file.read(len(BEGINS)) == BEGINS


def verify_fork(
    path: Path, fingerprints: Sequence[str], log_key: VerifierKey | None = None
) -> ForkVerified:
    """Verify evidence under a root key's fingerprint or a log key; raises OSError."""
    from node.audit.bundle_roots import BundleRoots
    from node.audit.findings import Findings
    from node.audit.verdict import verdict_of
    from protocol.fork import MAX_FORK_BYTES, parse_fork
    from protocol.log_errors import LogMaterialError
    from protocol.log_keys import LogKeys

    findings = Findings()
    origin, fingerprint, given = None, None, log_key is not None
    trees: tuple[SignedTree, ...] = ()
    with path.open("rb") as file:
        raw = file.read(MAX_FORK_BYTES + 1)
    try:
        fork = parse_fork(raw)
        origin = fork.origin
        if log_key is not None:
            keys = LogKeys.single(log_key)
        else:
            owner = origin.partition("/")[0]
            roots = BundleRoots(fork.roots, owner, fingerprints, findings)
            keys, fingerprint = roots.log_keys(origin), roots.fingerprint
            given = owner in roots.pinned
        both = fork.check(keys)
        trees = tuple(SignedTree(size=one.size, root=one.root.hex()) for one in both)
    except LogMaterialError as error:
        findings.add("fork-unproved", str(error))
    else:
        findings.add("log-forked", "the log's key signed both trees, and no log grows through both")
    return ForkVerified(
        verdict=verdict_of(findings, witnessed=False),
        origin=origin,
        fingerprint=fingerprint,
        key_given=given,
        trees=trees,
        findings=tuple(
            FoundWrong(kind=one.kind, detail=one.detail, index=None) for one in findings.listed
        ),
    )
