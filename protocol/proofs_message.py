"""Asking for proofs under a cosigned checkpoint, so that receipts kept here become witnessed.

The rule of this file: the answer needs no signature and no leaf, because each thing in it proves
itself: the checkpoint by the signatures on it, a leaf by its path, and that the log has only grown
since a checkpoint that the asker has by the proof between the two. What does not verify is nothing.
"""

from typing import Annotated

from pydantic import Field

from protocol.limits import (
    MAX_ANSWER_BYTES,
    MAX_NOTE_BYTES,
    MAX_PROOF_HASHES,
    MAX_PROOFS,
    MAX_QUERY_BYTES,
)
from protocol.message_json import build, read_object
from protocol.notation import Count, Version1, WireModel
from protocol.note import decode_base64

_MAX_ITEMS = MAX_PROOFS * (MAX_PROOF_HASHES + 1) + MAX_PROOF_HASHES + 16
"""JSON values of the largest answer."""

Hash = Annotated[str, Field(min_length=44, max_length=44)]
Path = Annotated[tuple[Hash, ...], Field(strict=False, max_length=MAX_PROOF_HASHES)]


class ProofsRequest(WireModel):
    """`leaves` are indexes in the receiver's log; `seen` is the size of a tree of it, if any.

    The answer then proves that the log went on from that tree.
    """

    v: Version1 = 1
    leaves: Annotated[tuple[Count, ...], Field(strict=False, max_length=MAX_PROOFS)]
    seen: Count | None = None

    def encode(self) -> bytes:
        """Return the body: compact JSON in UTF-8, absent members left out."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def parse(cls, body: bytes) -> "ProofsRequest":
        """Return the request; Refused with `message-invalid`."""
        return build(cls, read_object(body, MAX_QUERY_BYTES, _MAX_ITEMS))


class Proofs(WireModel):
    """`checkpoint` is a signed note with cosignatures, absent while there is none.

    `paths` has one path (RFC 6962, leaf's sibling first; hashes in base64) for each leaf that was
    asked for, null where the leaf is not in that tree yet. `consistency` leads from the tree that
    was named on, and is absent where none was, or where it is larger.
    """

    v: Version1 = 1
    checkpoint: Annotated[str, Field(min_length=1, max_length=MAX_NOTE_BYTES)] | None = None
    paths: Annotated[tuple[Path | None, ...], Field(strict=False, max_length=MAX_PROOFS)]
    consistency: Path | None = None

    def encode(self) -> bytes:
        """Return the body: compact JSON in UTF-8."""
        absent = {name for name in ("checkpoint", "consistency") if getattr(self, name) is None}
        return self.model_dump_json(exclude=absent).encode()

    @classmethod
    def parse(cls, body: bytes) -> "Proofs":
        """Return the proofs, unverified; Refused with `message-invalid`."""
        return build(cls, read_object(body, MAX_ANSWER_BYTES, _MAX_ITEMS))


def hashes(path: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return the hashes of a path as bytes; what is no hash is empty and verifies nowhere."""
    return tuple(decode_base64(text) or b"" for text in path)
