"""Bytes of any length under a passphrase, sealed and opened piece by piece.

    interlingua sealed v1 LF
    salt (16) | nonce (12) | sealed data key (48)      keys/sealing.py, scrypt and AES-256-GCM
    piece | piece | ... | last piece                   AES-256-GCM under the data key

The rule of this file: no byte leaves before its piece was authenticated, and a missing end is
noticed. A piece is 64 KiB of plain bytes (the last one may be shorter, also empty) and its tag of
16; its nonce is its number in 11 bytes and a byte that is 1 in the last piece only. This is the
STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar 2015, "Online Authenticated-Encryption and
its Nonce-Reuse Misuse-Resistance", section 7), as the age format uses it. The data key is random
and used for one stream, so that counted nonces never repeat.
"""

import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.sealing import NONCE_BYTES, SALT_BYTES, SEALED_BYTES, SECRET_BYTES, seal, unseal

MAGIC = b"interlingua sealed v1\n"
PIECE_BYTES = 64 * 1024
TAG_BYTES = 16

_CONTEXT = b"interlingua sealed stream v1\n"


class StreamDamaged(Exception):
    """A piece was changed or moved."""


class StreamTruncated(Exception):
    """The stream ends before its last piece."""


class SealedWriter:
    """Seals what is written to it into `sink`; `finish` writes the last piece."""

    def __init__(self, sink: BinaryIO, passphrase: bytes) -> None:
        key = os.urandom(SECRET_BYTES)
        salt, nonce, sealed = seal(key, passphrase, _CONTEXT)
        sink.write(MAGIC + salt + nonce + sealed)
        self._sink, self._cipher = sink, AESGCM(key)
        self._held, self._number = bytearray(), 0

    def write(self, plain: bytes) -> int:
        """Take plain bytes; returns how many, which is all."""
        self._held += plain
        while len(self._held) > PIECE_BYTES:  # one piece is held back: it may be the last
            self._seal(bytes(self._held[:PIECE_BYTES]), last=False)
            del self._held[:PIECE_BYTES]
        return len(plain)

    def finish(self) -> None:
        """Write the last piece; nothing may be written after it."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._sink.write(self._cipher.encrypt(_nonce(self._number, last), plain, None))
        self._number += 1


class SealedReader:
    """Opens a stream from `source`, which stands at its magic line.

    Raises keys.sealing.DoesNotOpen for another passphrase, StreamTruncated for a missing head.
    """

    def __init__(self, source: BinaryIO, passphrase: bytes) -> None:
        head = _exactly(source, len(MAGIC) + SALT_BYTES + NONCE_BYTES + SEALED_BYTES)
        salt, rest = head[len(MAGIC) :][:SALT_BYTES], head[len(MAGIC) + SALT_BYTES :]
        key = unseal(rest[NONCE_BYTES:], passphrase, salt, rest[:NONCE_BYTES], _CONTEXT)
        self._source, self._cipher = source, AESGCM(key)
        self._plain, self._number, self._ended = b"", 0, False
        self._ahead = source.read(PIECE_BYTES + TAG_BYTES)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, less only at the end.

        Raises StreamDamaged or StreamTruncated.
        """
        found = bytearray()
        while len(found) < size:
            if not self._plain and not self._open_next():
                break
            taken = self._plain[: size - len(found)]
            self._plain = self._plain[len(taken) :]
            found += taken
        return bytes(found)

    def _open_next(self) -> bool:
        """Open the next piece; False after the last one."""
        if self._ended:
            return False
        piece, self._ahead = self._ahead, self._source.read(PIECE_BYTES + TAG_BYTES)
        last = not self._ahead
        try:
            self._plain = self._cipher.decrypt(_nonce(self._number, last), piece, None)
        except InvalidTag:
            if last:
                raise StreamTruncated("the stream ends early, or its end was changed") from None
            raise StreamDamaged(f"piece {self._number} was changed") from None
        self._number += 1
        self._ended = last
        return bool(self._plain) or not last


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _exactly(source: BinaryIO, size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise StreamTruncated("the stream ends in its head")
    return found
