"""What `audit verify BUNDLE` returns.

Rule of this file: it imports nothing that needs a node: no index, no HTTP server, no numerics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.audit import FoundWrong
from node.operations.errors import NotVerified
from node.operations.given_file import read_given

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from node.audit.bundle_check import BundleCheck
    from protocol.witness_policy import WitnessPolicy


class BundlePart(BaseModel):
    """The exported part: leaves `begins` to before `ends`, and by which filter they are in clear.

    `clear` leaves are in clear and `hidden` are hashes; `index` and `at` are of the `export` leaf.
    """

    begins: int
    ends: int
    clear: int
    hidden: int
    index: int
    at: int
    by: str | None
    filtered: bool
    peer: str | None
    purpose: str | None
    since: int | None
    until: int | None


class BundleVerified(BaseModel):
    """The result for a bundle; None where the check did not come so far.

    `pinned`: organisations whose root key has a fingerprint that was given; `fingerprint`, in
    words, is that of the owner's root key. `complete`: nothing of the part is missing. `requests`:
    signed requests in clear, `requests_bound`: those whose key is in a root document of the bundle;
    `receipts_named`: partners' receipts that leaves in clear name, `receipts_proved`: those that a
    log key in the bundle proves, `receipts_witnessed`: those of them that enough others cosigned
    later. `witnesses_withdrawn`: keys that were given and that root documents here revoke.
    `cosigned_by`: organisations that cosigned, of those given; `needed` of them, without the two
    parties of an exchange, witness it. `self_signed_because`: why not all in clear are witnessed.
    """

    verdict: str
    origin: str | None
    organisation: str | None
    fingerprint: str | None
    pinned: tuple[str, ...]
    root_given: bool
    size: int | None
    root: str | None
    part: BundlePart | None
    complete: bool
    completeness: str
    leaves: dict[str, int]
    requests: int
    requests_bound: int
    receipts_named: int
    receipts_proved: int
    receipts_witnessed: int
    compared: int
    not_compared: tuple[str, ...]
    cosigned_by: dict[str, int]
    needed: int
    witnesses_withdrawn: tuple[str, ...]
    self_signed_because: str | None
    findings_total: int
    findings: tuple[FoundWrong, ...]

    @classmethod
    def of(cls, check: BundleCheck) -> BundleVerified:
        """The result of a check."""
        pinned = sorted(check.roots.pinned) if check.roots else []
        counts = check.requests.counts if check.requests else None
        return cls(
            verdict=check.verdict,
            origin=check.checkpoint.origin if check.checkpoint else None,
            organisation=check.owner,
            fingerprint=check.roots.fingerprint if check.roots else None,
            pinned=tuple(pinned),
            root_given=check.owner in pinned,
            size=check.checkpoint.size if check.checkpoint else None,
            root=check.checkpoint.root.hex() if check.checkpoint else None,
            part=_part(check),
            complete=check.verdict != "INVALID",
            completeness=_completeness(check),
            leaves=dict(sorted(check.leaves.items())),
            requests=counts.checked if counts else 0,
            requests_bound=counts.bound if counts else 0,
            receipts_named=check.receipts.named if check.receipts else 0,
            receipts_proved=check.receipts.proved if check.receipts else 0,
            receipts_witnessed=check.receipts.witnessed if check.receipts else 0,
            compared=check.compared,
            not_compared=tuple(check.not_compared),
            cosigned_by=check.witnessed.by,
            needed=check.witnessed.needed,
            witnesses_withdrawn=tuple(check.withdrawn),
            self_signed_because=_why_not(check),
            findings_total=check.findings.total,
            findings=tuple(
                FoundWrong(kind=one.kind, detail=one.detail, index=one.index)
                for one in check.findings.listed
            ),
        )


def lines_of(path: Path) -> Iterator[bytes]:
    """Read a bundle's lines, none longer than a bundle's may be and one byte."""
    from protocol.bundle import MAX_BUNDLE_LINE

    with path.open("rb") as file:
        while line := file.readline(MAX_BUNDLE_LINE + 1):
            yield line


def checkpoint_of(content: bytes) -> bytes:
    """Return the checkpoint in a file that is one, or that is a receipt; LogMaterialError."""
    from node.audit.receipts import checkpoint_in
    from protocol.checkpoint import parse_checkpoint
    from protocol.log_errors import MalformedProof
    from protocol.note import parse_note

    try:
        found = checkpoint_in(content)
    except MalformedProof:
        found = content
    parse_checkpoint(parse_note(found).text)
    return found


def checkpoints_of(files: Sequence[Path]) -> list[bytes]:
    """Return the checkpoints in files; whose they are, and whether they are signed, is not said.

    Raises NotVerified for a file that holds none, else as `read_given` where one cannot be read.
    """
    return [_held_in(file) for file in files]


def _held_in(file: Path) -> bytes:
    from protocol.log_errors import LogMaterialError

    try:
        return checkpoint_of(read_given(file))
    except LogMaterialError as error:
        raise NotVerified(
            f"{file} holds neither a checkpoint nor a receipt: {error}.",
            fix="Ask who gave it to you for the checkpoint of this log that they hold, or for a "
            "receipt as `interlingua audit receipt` writes it.",
            code="checkpoint-refused",
        ) from error


def verify_bundle(
    path: Path,
    fingerprints: Sequence[str],
    seen: Sequence[Path],
    policy: WitnessPolicy | None = None,
) -> BundleVerified:
    """Verify a bundle under the fingerprints of root keys that were given, if any.

    Whoever was told some and not the owner's has another log's bundle before them than they think.
    Raises OSError where a file cannot be read.
    """
    from node.audit.bundle_check import BundleCheck
    from protocol.witness_policy import NOBODY

    others = checkpoints_of(seen)
    check = BundleCheck(lines_of(path), fingerprints, others, policy=policy or NOBODY)
    if fingerprints and check.roots is not None and check.owner not in check.roots.pinned:
        detail = f"none of the fingerprints given is that of {check.owner}, whose log it is"
        check.findings.add("root-unproved", detail)
    return BundleVerified.of(check)


def _why_not(check: BundleCheck) -> str | None:
    from node.audit.verdict import why_not

    if check.verdict != "SELF-SIGNED":
        return None
    return why_not(check.witnessed.by, check.witnessed.needed, check.parties.names)


def _part(check: BundleCheck) -> BundlePart | None:
    if check.head is None or check.tree is None:
        return None
    leaf = check.head.export
    told = leaf.model_dump(include={"begins", "ends", "at", "by", "peer", "purpose"})
    return BundlePart(
        **told,
        since=leaf.since,
        until=leaf.until,
        clear=check.tree.clear,
        hidden=check.tree.hidden,
        index=check.head.index,
        filtered=leaf.filtered,
    )


def _completeness(check: BundleCheck) -> str:
    """Say in words what the bundle shows and what it does not."""
    part = _part(check)
    if part is None or check.verdict == "INVALID":
        return "Nothing is proved."
    if part.begins == part.ends:
        return "The part is empty."
    said = f"Leaves {part.begins} to {part.ends - 1}: none is missing, changed, added or moved; "
    if not part.filtered:
        return f"{said}all {part.clear} are in clear."
    return (
        f"{said}{part.clear} are in clear and {part.hidden} are hashes. That no hidden leaf passes "
        "the filter is the word of the log's owner alone."
    )
