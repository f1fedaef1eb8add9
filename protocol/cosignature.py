"""Cosignatures: a witness's signed word that a log has only grown, as C2SP cosignature/v1.

    — <cosigner name> base64(4-byte key id || 8-byte time || 64-byte Ed25519 signature) LF

    signed:  cosignature/v1 LF
             time <decimal> LF
             <the checkpoint's text, with its final LF>

Rule of this file: bytes are C2SP tlog-cosignature's; nothing but a checkpoint is ever cosigned; a
line of a known cosigner that does not verify makes the note untrusted, lines of others are ignored.
Which organisations' cosignatures suffice is `protocol/witness_policy.py`'s matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from keys.signer import Signer, verify
from protocol.checkpoint import parse_checkpoint
from protocol.limits import MAX_COSIGNATURES_BYTES, MAX_NOTE_SIGNATURES
from protocol.log_errors import MalformedCosignature, MalformedNote, UntrustedNote
from protocol.note import Note, NoteKey, NoteSignature, parse_note

TYPE_COSIGNATURE = 0x04
TIME_BYTES = 8
MAX_TIME = 2**63 - 1
_SIGNATURE_BYTES = TIME_BYTES + 64


@dataclass(frozen=True)
class CosignerKey(NoteKey):
    """A witness's key (type 0x04): ``<name>+<hex key id>+<base64(0x04 || 32-byte key)>``."""

    TYPE: ClassVar[int] = TYPE_COSIGNATURE
    WHAT: ClassVar[str] = "witness key"

    @property
    def organisation(self) -> str:
        """The organisation that the name states: what stands before its first slash."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Cosignature:
    """What a witness said: as of ``at`` (epoch seconds, UTC), this was the largest tree it knew."""

    key: CosignerKey
    at: int


def witness_name(organisation: str) -> str:
    """Return the name under which an organisation cosigns."""
    return f"{organisation}/witness"


def cosign(text: str, name: str, signer: Signer, at: int) -> NoteSignature:
    """Cosign a checkpoint's note text (its final LF included) as of ``at`` (epoch seconds, UTC).

    Raises MalformedCheckpoint for any other text, MalformedCosignature for a time out of range.
    """
    parse_checkpoint(text)
    if not 0 < at <= MAX_TIME:
        raise MalformedCosignature("a checkpoint is cosigned at a time after 1970")
    key = CosignerKey(name, signer.public)
    signature = signer.sign(_message(text, at))
    return NoteSignature(name, key.key_id, at.to_bytes(TIME_BYTES, "big") + signature)


def cosignatures(note: Note, keys: Iterable[CosignerKey]) -> tuple[Cosignature, ...]:
    """Return what those of ``keys`` say that cosigned, in the note's order.

    Raises UntrustedNote where a known key's line does not verify (signed-note), and
    MalformedCheckpoint for a note that is no checkpoint and yet has such a line.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found = []
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is not None:
            parse_checkpoint(note.text)
            found.append(Cosignature(key, _verified(line, key, note.text)))
    return tuple(found)


def read_cosignatures(
    body: bytes, text: str, keys: Iterable[CosignerKey]
) -> tuple[tuple[NoteSignature, Cosignature], ...]:
    """Read a witness's answer to the checkpoint ``text``: the lines of known keys, verified.

    Raises MalformedNote for anything but signature lines, UntrustedNote for a known key's line that
    does not verify.
    """
    if len(body) > MAX_COSIGNATURES_BYTES:
        raise MalformedNote(f"cosignatures have at most {MAX_COSIGNATURES_BYTES} bytes")
    note = parse_note(text.encode() + b"\n" + body)
    if note.text != text:
        raise MalformedNote("the answer holds more than signature lines")
    known = tuple(keys)
    read = []
    for line in note.signatures:
        for said in cosignatures(Note(text, (line,)), known):
            read.append((line, said))
    return tuple(read)


def with_cosignatures(note: bytes, lines: Iterable[NoteSignature]) -> bytes:
    """Return a signed note with further lines behind its own; one of the same key replaces it.

    Lines for which a note has no place any more are left out, the first given stay.
    """
    parsed = parse_note(note)
    merged = {(line.name, line.key_id): line for line in (*parsed.signatures, *lines)}
    return Note(parsed.text, tuple(merged.values())[:MAX_NOTE_SIGNATURES]).encode()


def _message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _verified(line: NoteSignature, key: CosignerKey, text: str) -> int:
    at = int.from_bytes(line.signature[:TIME_BYTES], "big")
    signature = line.signature[TIME_BYTES:]
    sound = len(line.signature) == _SIGNATURE_BYTES and 0 < at <= MAX_TIME
    if not sound or not verify(key.public, signature, _message(text, at)):
        raise UntrustedNote(f"the cosignature of {key.name} does not verify")
    return at
