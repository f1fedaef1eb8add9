"""Signed notes and verifier keys, as C2SP signed-note v1 writes them, byte for byte.

    <text, one or more lines, each ended by LF>
    LF
    — <key name> base64(4-byte key id || signature) LF      (one or more)

Rule of this file: bytes that are not in the one canonical form are refused, the size cap comes
first, and no text leaves ``open_note`` unless a trusted key's signature over it verified.
Only Ed25519 (signature type 0x01) is signed and verified here; lines of unknown keys are kept
and ignored, as the specification demands. Whoever keeps a note keeps a bounded part of them
(`trimmed`).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, Self

from keys.signer import Signer, verify
from protocol.limits import MAX_HELD_NOTE_CHARS, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES
from protocol.log_errors import MalformedNote, UntrustedNote

KEY_ID_BYTES = 4
TYPE_ED25519 = 0x01
_DASH = "\N{EM DASH} "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


def decode_base64(text: str) -> bytes | None:
    """Decode standard base64 (RFC 4648, section 4) in its one canonical form, else ``None``."""
    try:
        written = text.encode("ascii")
        raw = binascii.a2b_base64(written)
    except (UnicodeEncodeError, binascii.Error):
        return None
    # what is read past (stray characters, bits, padding) is not written again
    return raw if binascii.b2a_base64(raw, newline=False) == written else None


def is_key_name(name: str) -> bool:
    """Tell whether ``name`` may name a key: not empty, no Unicode space, no plus sign."""
    return "+" not in name and name.split() == [name] and not _CONTROL.search(name)


def key_id(name: str, public: bytes, signature_type: int = TYPE_ED25519) -> bytes:
    """SHA-256(name || LF || type || public key)[:4] (signed-note, "Signatures")."""
    material = name.encode() + b"\n" + bytes([signature_type]) + public
    return hashlib.sha256(material).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True)
class NoteKey:
    """An Ed25519 key of notes, ``<name>+<hex key id>+<base64(type || 32-byte key)>``; abstract.

    What a signature is made over follows from its type, so a key of one type is never another's.
    """

    name: str
    public: bytes

    TYPE: ClassVar[int]
    WHAT: ClassVar[str]

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise MalformedNote(f"{self.name!r} cannot name a note key: no spaces, no plus sign")
        if len(self.public) != 32:
            raise MalformedNote(f"an Ed25519 public key has 32 bytes, not {len(self.public)}")

    @cached_property
    def key_id(self) -> bytes:
        """The four bytes that stand before each of this key's signatures."""
        return key_id(self.name, self.public, self.TYPE)

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.TYPE]) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{material}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key of this type; ``MalformedNote`` says what is wrong with it."""
        name, hex_id, material = _three_parts(text)
        raw = decode_base64(material)
        if raw is None or len(raw) != 33 or raw[0] != cls.TYPE:
            raise MalformedNote(f"the {cls.WHAT} is not an Ed25519 key (type {cls.TYPE}, 32 bytes)")
        key = cls(name, raw[1:])
        if key.key_id.hex() != hex_id:
            raise MalformedNote(f"the {cls.WHAT}'s id does not belong to its name and key")
        return key


@dataclass(frozen=True)
class VerifierKey(NoteKey):
    """A key that signs notes as they are (type 0x01), such as a log's."""

    TYPE: ClassVar[int] = TYPE_ED25519
    WHAT: ClassVar[str] = "verifier key"


def _three_parts(text: str) -> tuple[str, str, str]:
    name, _, rest = text.partition("+")
    hex_id, plus, material = rest.partition("+")
    if not plus:
        raise MalformedNote("a verifier key reads <name>+<key id>+<base64>")
    return name, hex_id, material


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: the key's name, its 4-byte id and the raw signature bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line as it stands in the note, with its LF."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A parsed, not yet trusted note: text with its final LF, and its signature lines."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """Return the bytes; ``parse_note`` gives this note back from them."""
        return (self.text + "\n" + "".join(s.line() for s in self.signatures)).encode()


def parse_note(raw: bytes) -> Note:
    """Split a note into text and signatures without trusting it; ``MalformedNote`` otherwise."""
    if len(raw) > MAX_NOTE_BYTES:
        raise MalformedNote(f"a note has at most {MAX_NOTE_BYTES} bytes, this one {len(raw)}")
    whole = _decode_text(raw)
    split = whole.rfind("\n\n")
    if split < 0:
        raise MalformedNote("no blank line separates the note's text from its signatures")
    text, block = whole[: split + 1], whole[split + 2 :]
    if not block.endswith("\n"):
        raise MalformedNote("the note does not end in a complete signature line")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_NOTE_SIGNATURES:
        raise MalformedNote(f"a note has at most {MAX_NOTE_SIGNATURES} signatures")
    return Note(text, tuple(_parse_signature(line) for line in lines))


def _decode_text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedNote("a note is UTF-8 text") from None
    if _CONTROL.search(text):
        raise MalformedNote("a note holds no control character but the newline")
    return text


def _parse_signature(line: str) -> NoteSignature:
    if not line.startswith(_DASH):
        raise MalformedNote("a signature line starts with an em dash and a space")
    name, _, encoded = line[len(_DASH) :].partition(" ")
    raw = decode_base64(encoded)
    if not is_key_name(name) or raw is None or len(raw) <= KEY_ID_BYTES:
        raise MalformedNote("a signature line reads: em dash, key name, base64 signature")
    return NoteSignature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def trimmed(raw: bytes, keys: Iterable[NoteKey], most: int = MAX_HELD_NOTE_CHARS) -> bytes:
    """Return a note with the lines of `keys`, each once, and of others as fit in `most` bytes.

    A note of at most `most` bytes stays as it is. MalformedNote for what is none. The specification
    lets anybody add lines; without a bound a partner could let others keep as much as it likes.
    """
    if len(raw) <= most:
        return raw
    note = parse_note(raw)
    wanted = {(key.name, key.key_id) for key in keys}
    lines: dict[tuple[str, bytes], NoteSignature] = {}
    for line in note.signatures:
        lines.setdefault((line.name, line.key_id), line)
    room = most - len(note.text.encode()) - 1
    room -= sum(len(line.line().encode()) for key, line in lines.items() if key in wanted)
    kept = []
    for key, line in lines.items():
        size = 0 if key in wanted else len(line.line().encode())
        if size <= room or size == 0:
            room -= size
            kept.append(line)
    return Note(note.text, tuple(kept)).encode()


@lru_cache(maxsize=64)  # a node signs with a few keys, thousands of times
def _own_key(name: str, public: bytes) -> VerifierKey:
    return VerifierKey(name, public)


def sign_note(text: str, name: str, *signers: Signer) -> bytes:
    """Sign ``text`` (its final LF included) as keys named ``name``; returns the whole note."""
    keys = [_own_key(name, signer.public) for signer in signers]
    if not text.endswith("\n") or _CONTROL.search(text):
        raise MalformedNote("a note's text ends in a newline and holds no other control character")
    raw = text.encode()
    pairs = zip(keys, signers, strict=True)
    signatures = (NoteSignature(name, key.key_id, signer.sign(raw)) for key, signer in pairs)
    return Note(text, tuple(signatures)).encode()


def open_note(raw: bytes, keys: Iterable[VerifierKey]) -> tuple[str, tuple[VerifierKey, ...]]:
    """Return the text and the trusted keys that signed it.

    Raises ``MalformedNote`` for bytes that are no note, and ``UntrustedNote`` if a trusted key's
    signature fails or if none of ``keys`` signed. Lines of other keys are ignored; name and key
    id must both match before a line counts as a key's.
    """
    note = parse_note(raw)
    trusted = {(key.name, key.key_id): key for key in keys}
    signed: dict[VerifierKey, None] = {}
    for line in note.signatures:
        key = trusted.get((line.name, line.key_id))
        if key is None:
            continue
        if not verify(key.public, line.signature, note.text.encode()):
            raise UntrustedNote(f"the signature of {key.name} does not verify")
        signed[key] = None
    if not signed:
        raise UntrustedNote("no trusted key signed this note")
    return note.text, tuple(signed)
