"""How content and its keys are sealed.

Rule of this file: AES-256-GCM throughout (NIST SP 800-38D). A record's key seals at most one record
and one stored answer, each under a nonce of its own, so the nonces are constants; what a sealed
text belongs to (the leaf, the request) is authenticated with it, so none can be put in the place of
another. Keys are wrapped under random nonces, which allows four thousand million of them.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from node.content.content import Content, Kind

KEY_BYTES = 32
NONCE_BYTES = 12

_RECORD = bytes(NONCE_BYTES)
_STORED = bytes(NONCE_BYTES - 1) + b"\x01"
_LENGTH_BYTES = 4


class DoesNotOpen(Exception):
    """The key is another one, or the sealed bytes or what they belong to were changed."""


class Wrapping:
    """Wraps the records' keys under the organisation's content key (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def wrap(self, slot: int, key: bytes, nonce: bytes) -> bytes:
        """Return the key as it is stored (60 bytes); `nonce` is 12 fresh random bytes."""
        return nonce + self._cipher.encrypt(nonce, key, _key_context(slot))

    def unwrap(self, slot: int, wrapped: bytes) -> bytes:
        """Return a record's key. Raises DoesNotOpen."""
        return _opened(
            self._cipher, wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _key_context(slot)
        )


def new_keys(count: int) -> list[tuple[bytes, bytes]]:
    """Return fresh keys, each with a nonce to wrap it under."""
    size = KEY_BYTES + NONCE_BYTES
    drawn = os.urandom(size * count)
    return [
        (drawn[at : at + KEY_BYTES], drawn[at + KEY_BYTES : at + size])
        for at in range(0, size * count, size)
    ]


def seal_record(key: bytes, index: int, leaf: bytes, content: Content) -> bytes:
    """Seal what is kept of an exchange; `leaf` is the hash of the leaf with this index."""
    plain = len(content.question).to_bytes(_LENGTH_BYTES, "big") + content.question + content.answer
    return AESGCM(key).encrypt(_RECORD, plain, _record_context(content.kind, index, leaf))


def open_record(key: bytes, kind: Kind, index: int, leaf: bytes, sealed: bytes) -> Content:
    """Open what `seal_record` made. Raises DoesNotOpen."""
    plain = _opened(AESGCM(key), _RECORD, sealed, _record_context(kind, index, leaf))
    length = int.from_bytes(plain[:_LENGTH_BYTES], "big")
    body = plain[_LENGTH_BYTES:]
    return Content(kind, body[:length], body[length:])


def seal_stored(key: bytes, request: bytes, payload: bytes) -> bytes:
    """Seal an answer that may be given again to the same `request`."""
    return AESGCM(key).encrypt(_STORED, payload, request)


def open_stored(key: bytes, request: bytes, sealed: bytes) -> bytes:
    """Open what `seal_stored` made. Raises DoesNotOpen."""
    return _opened(AESGCM(key), _STORED, sealed, request)


def stored_context(peer: str, key: str, body_digest: str, index: int) -> bytes:
    """Return what a stored answer belongs to: the request, and the leaf of its first answer."""
    return f"interlingua stored answer v1\n{peer}\n{key}\n{body_digest}\n{index}".encode()


def _key_context(slot: int) -> bytes:
    return b"interlingua content key v1\n%d" % slot


def _record_context(kind: str, index: int, leaf: bytes) -> bytes:
    return b"interlingua content v1\n%s\n%d\n%s" % (kind.encode(), index, leaf)


def _opened(cipher: AESGCM, nonce: bytes, sealed: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, sealed, context)
    except (InvalidTag, ValueError):  # ValueError: shorter than a tag
        raise DoesNotOpen from None
