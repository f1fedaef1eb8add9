"""Offline-verifiable receipts, as C2SP tlog-proof v1 writes them, byte for byte.

    c2sp.org/tlog-proof@v1
    extra <base64>                   optional
    index <decimal>
    <base64 hash>                    zero or more: RFC 6962 path, leaf's sibling first
    (empty line)
    <the signed checkpoint, verbatim>

Rule of this file: parsing accepts the canonical form only, and ``verify_receipt`` is the one
place that says a leaf is in a log.
"""

from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from protocol.checkpoint import Checkpoint, open_checkpoint, parse_decimal
from protocol.limits import MAX_HELD_NOTE_CHARS, MAX_PROOF_BYTES, MAX_PROOF_HASHES
from protocol.log_errors import MalformedProof
from protocol.log_keys import LogKeys
from protocol.merkle import HASH_BYTES, HashAt, along_paths, leaf_hash, verify_inclusion
from protocol.note import NoteKey, VerifierKey, decode_base64, trimmed

HEADER = "c2sp.org/tlog-proof@v1"
_BLANK = b"\n\n"


@dataclass(frozen=True)
class TlogProof:
    """A leaf's index, its Merkle path (32-byte hashes) and the signed checkpoint it leads to."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        """Return the bytes; ``parse_proof`` gives this proof back from them."""
        extra = b"" if self.extra is None else b"extra " + b2a_base64(self.extra)
        head = b"%b\n%bindex %d\n" % (HEADER.encode("ascii"), extra, self.index)
        return b"".join([head, *map(b2a_base64, self.path), b"\n", self.checkpoint])


def encode_proofs(
    indexes: Sequence[int], size: int, hash_at: HashAt, checkpoint: bytes
) -> list[bytes]:
    """Return the encoded ``TlogProof`` of each index, writing what they share once.

    ``indexes`` rise; ``checkpoint`` is signed for the tree of ``size`` leaves that ``hash_at`` has.
    Raises ValueError for an index that is not in it.
    """
    paths = along_paths(indexes, size, hash_at, _line_before, b"\n" + checkpoint)
    head = HEADER.encode("ascii")
    return [
        b"%b\nindex %d\n%b" % (head, index, path)
        for index, path in zip(indexes, paths, strict=True)
    ]


def _line_before(hash_: bytes, rest: bytes) -> bytes:
    return b2a_base64(hash_) + rest


@dataclass(frozen=True)
class VerifiedReceipt:
    """What a receipt proved: the leaf stands at ``index`` of the tree of ``checkpoint``."""

    index: int
    checkpoint: Checkpoint


def parse_proof(raw: bytes) -> TlogProof:
    """Read a tlog-proof without trusting it; ``MalformedProof`` unless in canonical form."""
    if len(raw) > MAX_PROOF_BYTES:
        raise MalformedProof(f"a proof has at most {MAX_PROOF_BYTES} bytes, this one {len(raw)}")
    head, blank, checkpoint = raw.partition(_BLANK)
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise MalformedProof("a proof's own lines are ASCII") from None
    if lines.pop(0) != HEADER:
        raise MalformedProof(f"a proof starts with the line {HEADER}")
    if not blank or not checkpoint:
        raise MalformedProof("a proof ends in an empty line and the log's checkpoint")
    extra = _parse_extra(lines)
    index = _parse_index(lines)
    return TlogProof(index, _parse_path(lines), checkpoint, extra)


def checkpoint_in(proof: bytes) -> bytes:
    """Return the signed checkpoint in a proof that was parsed or verified before."""
    return proof.partition(_BLANK)[2]


def trimmed_proof(raw: bytes, keys: Iterable[NoteKey]) -> bytes:
    """Return a proof as it is kept: its checkpoint `trimmed`, without an extra line.

    One that is small stays as it is. MalformedProof or MalformedNote for what is none.
    """
    if len(raw) <= MAX_HELD_NOTE_CHARS:
        return raw
    proof = parse_proof(raw)
    return replace(proof, checkpoint=trimmed(proof.checkpoint, keys), extra=None).encode()


def _parse_extra(lines: list[str]) -> bytes | None:
    if not lines or not lines[0].startswith("extra "):
        return None
    extra = decode_base64(lines.pop(0).removeprefix("extra "))
    if extra is None:
        raise MalformedProof("a proof's extra line is base64")
    return extra


def _parse_index(lines: list[str]) -> int:
    line = lines.pop(0) if lines else ""
    index = parse_decimal(line.removeprefix("index ")) if line.startswith("index ") else None
    if index is None:
        raise MalformedProof("a proof names its entry: index, space, decimal number")
    return index


def _parse_path(lines: list[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_PROOF_HASHES:
        raise MalformedProof(f"a proof has at most {MAX_PROOF_HASHES} hashes")
    path = tuple(decode_base64(line) or b"" for line in lines)
    if any(len(h) != HASH_BYTES for h in path):
        raise MalformedProof("each path line of a proof is one SHA-256 hash in base64")
    return path


def verify_receipt(
    leaf: bytes, proof: bytes, log_key: VerifierKey | LogKeys, origin: str
) -> VerifiedReceipt:
    """Prove that ``leaf`` stands in the log ``origin`` (C2SP tlog-proof, "Verifying").

    1 the leaf's hash is RFC 6962's over its bytes; 2 the checkpoint names ``origin`` and
    ``log_key``, or one of several keys whose term holds its size, signed it; 3 cosignatures of
    others are ignored here (the policy that counts witnesses is the caller's); 4 the path leads
    from the leaf's hash to the checkpoint's root.
    Raises a ``LogMaterialError`` that names the step that failed.
    """
    parsed = parse_proof(proof)
    checkpoint = open_checkpoint(parsed.checkpoint, origin, log_key)  # step 2
    hash_of_leaf = leaf_hash(leaf)  # step 1
    verify_inclusion(  # step 4
        parsed.index, checkpoint.size, hash_of_leaf, parsed.path, checkpoint.root
    )
    return VerifiedReceipt(parsed.index, checkpoint)
