"""Operations on the audit log: verify, fsck.

Rule of this file: they only read, from one snapshot of the file, in a thread of their own, so that
a long verification delays no answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from node.operations.errors import InvalidRequest
from node.operations.registry import NoRequest, Progress, operation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from node.audit.findings import Findings
    from node.audit.fsck import Examined
    from node.audit.given_root import GivenRoot
    from node.audit.receipts import CheckedReceipt
    from node.audit.verify import Anchors, Verification
    from node.node import Node
    from protocol.note import VerifierKey
    from protocol.witness_policy import WitnessPolicy


class FoundWrong(BaseModel):
    """One finding; `index` is the leaf's, where there is one."""

    kind: str
    detail: str
    index: int | None


class SigningKey(BaseModel):
    """A key of the log, and the trees (leaves) that it signs; `until_size` None: it still does."""

    kid: str
    from_size: int
    until_size: int | None


class LogExamined(BaseModel):
    """The result of fsck: `root` (hex) is what the leaves lead to; `whole` if nothing is wrong.

    `verifier_key` signs the log now; `log_keys` are all that it states, oldest first.
    """

    whole: bool
    origin: str
    verifier_key: str
    log_keys: tuple[SigningKey, ...]
    size: int
    root: str
    checkpoints: int
    findings_total: int
    findings: tuple[FoundWrong, ...]


class LogBefore(BaseModel):
    """The log that a successor continues.

    `size` leaves are left of it, and `lost` more are known from a checkpoint that a partner held;
    `proved`: the key of its checkpoints is known; `compared`: with its file in `predecessors/`.
    """

    origin: str
    size: int
    lost: int
    proved: bool
    compared: bool


class LogVerified(LogExamined):
    """The result of verify.

    `log_key_from`: `given`, `root document`, `given root document` (whose root key's fingerprint in
    words is `fingerprint`), or `the log itself` (then the log vouches for itself).
    `requests_bound`: signed requests whose key is in a root document known here; `receipts_named`:
    partners' receipts that leaves name, `receipts`: those kept, `receipts_proved`: those that a
    known log key proves, `receipts_witnessed`: those under a tree that enough others cosigned.
    `confirmed`: answers that partners have acknowledged, `unconfirmed`: those that they have not.
    `witnessed`: leaves, from the first on, that are witnessed for every exchange by `needed`
    organisations; `cosigned_by`: who cosigned, and when last (epoch seconds). `self_signed_because`
    says why the log, or its end, is not witnessed. `compared` counts the checkpoints from elsewhere
    that were compared with the log, `not_compared` says why others were not.
    """

    verdict: str
    log_key_from: str
    fingerprint: str | None = None
    leaves: dict[str, int]
    requests: int
    requests_bound: int
    receipts_named: int
    receipts: int
    receipts_proved: int
    confirmed: int
    unconfirmed: int
    receipts_witnessed: int
    witnessed: int
    needed: int
    cosigned_by: dict[str, int]
    self_signed_because: str | None
    compared: int = 0
    not_compared: tuple[str, ...] = ()
    warnings: tuple[str, ...]
    predecessor: LogBefore | None = None


class ReceiptVerified(BaseModel):
    """A receipt that proves its leaf; `leaf` without the signature that it carries.

    `witnesses`: organisations other than the two parties that cosigned, of those given.

    Checked under `verifier_key`, or under a root document whose root key has this `fingerprint`.
    """

    verdict: str
    origin: str
    verifier_key: str | None
    fingerprint: str | None
    index: int
    size: int
    root: str
    type: str
    payload_checked: bool
    witnesses: tuple[str, ...]
    needed: int
    leaf: dict[str, Any]

    @classmethod
    def of(
        cls, checked: CheckedReceipt, origin: str, log_key: str | None, fingerprint: str | None
    ) -> ReceiptVerified:
        """The result for a receipt of the log `origin`, checked under one or the other."""
        hidden = {"evidence", "v", "salt"}
        return cls(
            verdict=checked.verdict,
            origin=origin,
            verifier_key=log_key,
            fingerprint=fingerprint,
            index=checked.index,
            size=checked.size,
            root=checked.root.hex(),
            type=checked.leaf.type,
            payload_checked=checked.payload_checked,
            witnesses=tuple(sorted(checked.witnessed.by)),
            needed=checked.witnessed.needed,
            leaf=checked.leaf.model_dump(mode="json", exclude_none=True, exclude=hidden),
        )


class ReceiptExported(BaseModel):
    """A receipt file's content: the leaf in base64, a newline, the tlog-proof."""

    index: int
    receipt: str


class VerifyLog(BaseModel, extra="forbid"):
    """`log_key`: the verifier key that must have signed, as the auditor was told it."""

    log_key: str | None = None


@operation("audit.verify", role="auditor")
async def verify(node: Node, request: VerifyLog, progress: Progress) -> LogVerified:
    """Derive the log again from its leaves, and check every signature that it carries."""
    import asyncio

    return await asyncio.to_thread(verify_directory, node.data.path, request.log_key, progress)


@operation("audit.fsck", role="auditor")
async def fsck(node: Node, request: NoRequest, progress: Progress) -> LogExamined:
    """Examine whether log.db is whole: leaves, subtree hashes, root, checkpoints."""
    import asyncio

    del request
    return await asyncio.to_thread(examine_file, node.data.log_file, progress)


def verify_directory(
    path: Path,
    log_key: str | None,
    progress: Progress,
    log_file: Path | None = None,
    policy: WitnessPolicy | None = None,
    seen: Sequence[bytes] = (),
) -> LogVerified:
    """Verify a log of a data directory, by default its newest, with the root documents there.

    `policy`: whose cosignatures count, by default partners' as the settings there say; `seen`:
    checkpoints of the log that others hold (signed notes).
    """
    from node.audit.anchors import from_directory
    from node.data_directory import DataDirectory

    data = DataDirectory(path)
    log_file = log_file or data.log_file
    found = from_directory(data, parse_log_key(log_key), log_file, policy)
    source = "root document" if found.anchors.log_key else "the log itself"
    anchors = replace(found.anchors, seen=tuple(seen))
    return _verify(log_file, anchors, "given" if log_key else source, found.warnings, progress)


def verify_file(
    path: Path,
    log_key: str | None,
    progress: Progress,
    root: GivenRoot | None = None,
    policy: WitnessPolicy | None = None,
    seen: Sequence[bytes] = (),
) -> LogVerified:
    """Verify a log.db; without `log_key` or `root` a bare one vouches for its own keys.

    A predecessor that lies in its data directory is verified with the root documents there.
    """
    from node.audit.given_anchors import unknown, with_root
    from protocol.witness_policy import NOBODY

    given = policy or NOBODY
    if root is not None:
        anchors = replace(with_root(root, path, given), seen=tuple(seen))
        made = _verify(path, anchors, "given root document", (), progress)
        return made.model_copy(update={"fingerprint": root.fingerprint})
    home = _home_of(path)
    if home is not None:
        return verify_directory(home, log_key, progress, path, policy, seen)
    anchors = replace(unknown(parse_log_key(log_key), given), seen=tuple(seen))
    return _verify(path, anchors, "given" if log_key else "the log itself", (), progress)


def _home_of(log_file: Path) -> Path | None:
    """The data directory among whose predecessors a log lies; None for any other."""
    from node.data_directory import DataDirectory

    folder = log_file.resolve().parent
    lies_there = folder.name == "predecessors" and DataDirectory(folder.parent).roots.is_dir()
    return folder.parent if lies_there else None


def examine_file(path: Path, progress: Progress) -> LogExamined:
    """Run fsck on a log.db."""
    from node.audit.fsck import fsck as examine

    return LogExamined(**_examined(examine(path, progress)))


def _verify(
    path: Path, anchors: Anchors, source: str, warnings: tuple[str, ...], progress: Progress
) -> LogVerified:
    from node.audit.verify import verify_log

    verified = verify_log(path, anchors, progress)
    return LogVerified(
        **_examined(verified.examined),
        verdict=verified.verdict,
        log_key_from=source,
        leaves=verified.leaves,
        requests=verified.requests,
        requests_bound=verified.requests_bound,
        receipts_named=verified.receipts_named,
        receipts=verified.receipts,
        receipts_proved=verified.receipts_proved,
        confirmed=verified.confirmed,
        unconfirmed=verified.unconfirmed,
        receipts_witnessed=verified.receipts_witnessed,
        witnessed=verified.witnessed,
        needed=verified.needed,
        cosigned_by=verified.cosigned_by,
        self_signed_because=_why_not(verified),
        compared=verified.seen.compared,
        not_compared=tuple(verified.seen.not_compared),
        warnings=warnings,
        predecessor=LogBefore(**vars(before)) if (before := verified.predecessor) else None,
    )


def _why_not(verified: Verification) -> str | None:
    """Why the log, or its end, is not witnessed; None where it is."""
    from node.audit.verdict import why_not

    size = verified.examined.size
    if verified.witnessed == size:
        return None
    if verified.witnessed:
        return f"too few have cosigned the last {size - verified.witnessed} leaves yet"
    return why_not(verified.cosigned_by, verified.needed, verified.parties)


def _examined(examined: Examined) -> dict[str, Any]:
    findings: Findings = examined.findings
    return {
        "whole": not findings,
        "origin": examined.origin,
        "verifier_key": examined.verifier_key,
        "log_keys": tuple(
            SigningKey(kid=t.kid, from_size=t.from_size, until_size=t.until_size)
            for t in examined.terms
        ),
        "size": examined.size,
        "root": examined.root.hex(),
        "checkpoints": examined.checkpoints,
        "findings_total": findings.total,
        "findings": tuple(
            FoundWrong(kind=one.kind, detail=one.detail, index=one.index) for one in findings.listed
        ),
    }


def given_policy(witnesses: Sequence[str], needed: int | None) -> WitnessPolicy | None:
    """Read what stands behind --witness and --needed; None for neither. Raises InvalidRequest."""
    from protocol.log_errors import LogMaterialError
    from protocol.witness_policy import WitnessPolicy, told_witness

    try:
        told = tuple(told_witness(text) for text in witnesses)
    except LogMaterialError as error:
        raise InvalidRequest(
            f"--witness is no witness key (name+id+key): {error}.",
            fix="Copy it whole, as `interlingua audit witness keys` at its organisation prints it.",
            code="witness-key-malformed",
        ) from None
    return WitnessPolicy(needed or 1, told) if told or needed else None


def parse_log_key(log_key: str | None) -> VerifierKey | None:
    """Read what stands behind --log-key; raises InvalidRequest."""
    from protocol.log_errors import LogMaterialError
    from protocol.note import VerifierKey

    if not log_key:
        return None
    try:
        return VerifierKey.parse(log_key)
    except LogMaterialError as error:
        raise InvalidRequest(
            f"--log-key is no verifier key (name+id+key): {error}.",
            fix="Copy it whole, as the log's owner gave it or `interlingua audit fsck` there names "
            "it.",
            code="log-key-malformed",
        ) from None
