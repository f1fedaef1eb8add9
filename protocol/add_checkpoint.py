"""The request with which a log asks a witness for its cosignature, and how a witness judges it.

    old <size of the tree that the witness cosigned last>
    <base64 hash>                    zero or more: RFC 6962 consistency proof, at most 63
    (empty line)
    <the signed checkpoint, verbatim>

Rule of this file: bytes and status codes are C2SP tlog-witness's, section "add-checkpoint". Judging
is pure: what was cosigned last is an argument, and whoever stores the result compares it again with
what is stored then (`node/witness/record.py`), or two requests at once would roll the record back.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, parse_decimal
from protocol.limits import MAX_ADD_CHECKPOINT_BYTES, MAX_ADD_CHECKPOINT_HASHES
from protocol.log_errors import LogMaterialError, MalformedSubmission, ProofMismatch
from protocol.log_keys import LogKeys
from protocol.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from protocol.note import decode_base64, parse_note

ADD_CHECKPOINT_PATH = "/federation/v1/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
"""Media type of a 409's body: the size that was cosigned last, in decimal, and LF."""


class SubmissionRefused(Exception):
    """A witness does not cosign; `status` is the HTTP status that says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class OtherOldSize(SubmissionRefused):
    """409: the request starts from another size than the one that was cosigned last."""

    def __init__(self, size: int) -> None:
        super().__init__(409, f"the tree that was cosigned last has {size} leaves")
        self.size = size


class Inconsistent(SubmissionRefused):
    """422: the log's own key signed what does not follow from the tree that was cosigned last."""

    def __init__(self, detail: str) -> None:
        super().__init__(422, detail)


@dataclass(frozen=True)
class AddCheckpoint:
    """A request: the old tree's size, the 32-byte hashes of the proof, and the signed note."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """Return the bytes; `parse_add_checkpoint` gives this request back from them."""
        lines = [f"old {self.old}", *(base64.b64encode(h).decode("ascii") for h in self.proof)]
        return ("\n".join(lines) + "\n\n").encode("ascii") + self.note


def parse_add_checkpoint(raw: bytes) -> AddCheckpoint:
    """Read a request without trusting it; MalformedSubmission unless in canonical form."""
    if len(raw) > MAX_ADD_CHECKPOINT_BYTES:
        raise MalformedSubmission(f"a request has at most {MAX_ADD_CHECKPOINT_BYTES} bytes")
    head, blank, note = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise MalformedSubmission("the lines before the checkpoint are ASCII") from None
    first = lines.pop(0)
    old = parse_decimal(first.removeprefix("old ")) if first.startswith("old ") else None
    if old is None:
        raise MalformedSubmission("a request begins: old, space, decimal number")
    if not blank or not note:
        raise MalformedSubmission("a request ends in an empty line and the log's checkpoint")
    if len(lines) > MAX_ADD_CHECKPOINT_HASHES:
        raise MalformedSubmission(f"a proof has at most {MAX_ADD_CHECKPOINT_HASHES} hashes")
    proof = tuple(decode_base64(line) or b"" for line in lines)
    if any(len(h) != HASH_BYTES for h in proof):
        raise MalformedSubmission("each proof line is one SHA-256 hash in base64")
    return AddCheckpoint(old, proof, note)


def claimed_checkpoint(request: AddCheckpoint) -> Checkpoint:
    """Return what the checkpoint says, unverified; MalformedSubmission where it is none."""
    try:
        return parse_checkpoint(parse_note(request.note).text)
    except LogMaterialError as error:
        raise MalformedSubmission(f"the checkpoint: {error}") from None


def require_signed(request: AddCheckpoint, origin: str, keys: LogKeys) -> Checkpoint:
    """Return the checkpoint if a key of the log may have signed it; SubmissionRefused 403 else."""
    try:
        return open_checkpoint(request.note, origin, keys)
    except LogMaterialError as error:
        raise SubmissionRefused(403, str(error)) from None


def require_consistent(
    request: AddCheckpoint, new: Checkpoint, latest: Checkpoint | None
) -> Checkpoint:
    """Return `new` if it follows from `latest`, the one cosigned last (None: none was yet).

    Raises SubmissionRefused with 400, 409 (OtherOldSize) or 422 (Inconsistent).
    """
    if request.old > new.size:
        raise SubmissionRefused(400, "the old size is larger than the checkpoint's")
    known = latest.size if latest is not None else 0
    if request.old != known:
        raise OtherOldSize(known)
    if new.size == 0 and new.root != EMPTY_ROOT:
        raise Inconsistent("an empty tree has the hash of nothing as its root")
    if known == 0:
        if request.proof:
            raise Inconsistent("nothing is to be proved of an empty tree")
        return new
    assert latest is not None  # noqa: S101 - its size is not zero; for the type checker
    _follows(latest, new, request.proof)
    return new


def _follows(latest: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    try:
        verify_consistency(latest.size, new.size, latest.root, new.root, proof)
    except ProofMismatch as error:
        raise Inconsistent(str(error)) from None
