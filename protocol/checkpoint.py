"""Checkpoints: signed tree heads, as C2SP tlog-checkpoint v1 writes them, byte for byte.

    example.com/log          origin
    923748                   tree size, decimal, no leading zeroes
    nND/nri/U0xuHUrY...=     base64 of the RFC 6962 root hash
    <extension lines, none of ours>

Rule of this file: a checkpoint is trusted only as a signed note under a key of the log whose name
is the origin and whose term holds the size, and only if its origin is the one that was asked for.
The checkpoint with which one key hands over to the next carries the signatures of both.
"""

import base64
from dataclasses import dataclass

from keys.signer import Signer
from protocol.limits import MAX_CHECKPOINT_TEXT_BYTES, MAX_TREE_SIZE
from protocol.log_errors import MalformedCheckpoint, WrongOrigin
from protocol.log_keys import LogKeys
from protocol.merkle import HASH_BYTES
from protocol.note import VerifierKey, decode_base64, open_note, sign_note


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: log origin, number of leaves, 32-byte RFC 6962 root hash, opaque extensions."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the note text, final LF included."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode("ascii"))
        return "".join(f"{line}\n" for line in (*lines, *self.extensions))


def parse_decimal(text: str, limit: int = MAX_TREE_SIZE) -> int | None:
    """Read a non-negative decimal without sign, space or leading zero, up to ``limit``."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(limit)):
        return None
    value = int(text)
    return value if str(value) == text and value <= limit else None


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's note text; ``MalformedCheckpoint`` unless it is in canonical form."""
    if len(text.encode()) > MAX_CHECKPOINT_TEXT_BYTES:
        raise MalformedCheckpoint(f"a checkpoint has at most {MAX_CHECKPOINT_TEXT_BYTES} bytes")
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] != "" or "" in lines[:-1]:
        raise MalformedCheckpoint("a checkpoint has three or more lines, none of them empty")
    size = parse_decimal(lines[1])
    if size is None:
        raise MalformedCheckpoint("a checkpoint's second line is the tree size in decimal")
    root = decode_base64(lines[2])
    if root is None or len(root) != HASH_BYTES:
        raise MalformedCheckpoint("a checkpoint's third line is a SHA-256 hash in base64")
    return Checkpoint(lines[0], size, root, tuple(lines[3:-1]))


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    """Sign with keys of the log, whose note name is the origin; returns the signed note."""
    return sign_note(checkpoint.text(), checkpoint.origin, *signers)


def open_checkpoint(raw: bytes, origin: str, log_key: VerifierKey | LogKeys) -> Checkpoint:
    """Verify a signed checkpoint of the log ``origin``.

    ``log_key``: a key for every size, or the log's keys with the sizes that each may sign. Raises
    ``MalformedNote`` or ``MalformedCheckpoint`` for other bytes, ``UntrustedNote`` if none of them
    signed it, ``WrongOrigin`` if it is another log's, ``BeyondTerm`` if none that signed it may
    sign its size.
    """
    keys = LogKeys.single(log_key) if isinstance(log_key, VerifierKey) else log_key
    text, signed = open_note(raw, keys.ranges)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != origin:
        raise WrongOrigin(f"a checkpoint of {checkpoint.origin!r}, where {origin!r} was expected")
    keys.require(signed, checkpoint.size)
    return checkpoint
