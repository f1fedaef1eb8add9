"""Evidence of a fork: two checkpoints that one log's key signed and that contradict each other.

    {"fork":1,"first":"<signed note>","proof":["<base64>",...],"roots":[...],"second":"<note>"}

`first` is the smaller tree, or one of two of the same size. `proof` leads from it to the larger
one: it shows what the first leaves of the larger tree are, and they are not those that were signed
(`protocol.merkle.first_root`). `roots` are root documents of the log's owner (DSSE), oldest first.

Rule of this file: one line of canonical JSON that proves itself to whoever knows the log's key.
Whoever was refused without such a proof has not shown that it forked, and no file says so.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, ValidationError

from protocol.canonical import dumps
from protocol.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from protocol.limits import MAX_DOCUMENT_BYTES, MAX_NOTE_BYTES, MAX_PROOF_HASHES
from protocol.log_errors import LogMaterialError, MalformedFork, ProofMismatch
from protocol.log_keys import LogKeys
from protocol.merkle import HASH_BYTES, first_root
from protocol.notation import Version1, WireModel
from protocol.note import decode_base64, parse_note
from protocol.strict_json import StrictJsonError, parse

MAX_ROOTS = 64
MAX_FORK_BYTES = 2 * 1024 * 1024
_DEPTH = 3

Signed = Annotated[str, Field(min_length=1, max_length=MAX_NOTE_BYTES)]
Enveloped = Annotated[str, Field(min_length=2, max_length=MAX_DOCUMENT_BYTES)]
Hash = Annotated[str, Field(min_length=44, max_length=44)]


class _File(WireModel):
    fork: Version1 = 1
    first: Signed
    second: Signed
    proof: Annotated[tuple[Hash, ...], Field(strict=False, max_length=MAX_PROOF_HASHES)]
    roots: Annotated[tuple[Enveloped, ...], Field(strict=False, max_length=MAX_ROOTS)]


@dataclass(frozen=True)
class Fork:
    """Two signed notes, the 32-byte hashes that lead from one to the other, root documents."""

    first: bytes
    second: bytes
    proof: tuple[bytes, ...] = ()
    roots: tuple[bytes, ...] = ()

    @property
    def origin(self) -> str:
        """The log that both claim to be of; MalformedFork where they do not agree."""
        a, b = (_claimed(note) for note in (self.first, self.second))
        if a.origin != b.origin:
            raise MalformedFork("the two checkpoints are of two logs")
        return a.origin

    def encode(self) -> bytes:
        """Return the file's one line; `parse_fork` gives this evidence back from it."""
        file = _File(
            first=self.first.decode(),
            second=self.second.decode(),
            proof=tuple(base64.b64encode(h).decode() for h in self.proof),
            roots=tuple(raw.decode() for raw in self.roots),
        )
        return dumps(file.model_dump(mode="json")) + b"\n"

    def check(self, keys: LogKeys) -> tuple[Checkpoint, Checkpoint]:
        """Return the two checkpoints, which the log's keys signed and which contradict each other.

        Raises MalformedFork where they do not, and the errors of `open_checkpoint`.
        """
        a = open_checkpoint(self.first, self.origin, keys)
        b = open_checkpoint(self.second, self.origin, keys)
        if not contradict(a, b, self.proof):
            raise MalformedFork("the two checkpoints do not contradict each other")
        return a, b


def parse_fork(raw: bytes) -> Fork:
    """Read a file without trusting it; MalformedFork."""
    try:
        fields = parse(raw, MAX_FORK_BYTES, _DEPTH)
        file = _File.model_validate(fields)
    except (StrictJsonError, ValidationError):
        raise MalformedFork("the file is not evidence of a fork") from None
    proof = tuple(decode_base64(text) or b"" for text in file.proof)
    if any(len(h) != HASH_BYTES for h in proof):
        raise MalformedFork("each hash of the proof is SHA-256 in base64")
    first, second = file.first.encode(), file.second.encode()
    fork = Fork(first, second, proof, tuple(root.encode() for root in file.roots))
    if fork.encode() != raw:
        raise MalformedFork("the file is not in its one spelling")
    return fork


def contradict(first: Checkpoint, second: Checkpoint, proof: Sequence[bytes]) -> bool:
    """Whether no log can have grown through both trees; `proof` leads from the first on.

    A power of two of leaves is one hash that a consistency proof leaves out: such a proof alone
    does not show what the smaller tree was. With that hash in front, from wherever, it does.
    """
    if first.size == second.size:
        return first.root != second.root
    try:
        return first_root(first.size, second.size, second.root, proof) != first.root
    except ProofMismatch:
        return False


def _claimed(note: bytes) -> Checkpoint:
    try:
        return parse_checkpoint(parse_note(note).text)
    except LogMaterialError as error:
        raise MalformedFork(f"a checkpoint cannot be read: {error}") from None
