"""References name a record to a partner without naming it to anybody else.

The rule of this file: an internal key never leaves. A reference is one AES-256 block over (64-bit
internal key, 64-bit fixed tag) under a key derived by HKDF-SHA256 (RFC 5869) from the node's
master secret, the peer, the collection and the epoch; the epoch stands beside the block. So two
partners, or one partner in two epochs, cannot tell that two references mean one record; no table
is kept; and the owner can turn one back, because a block that was not made here does not carry
the tag.

The text form is 32 lower-case base32 characters (RFC 4648) over exactly 20 bytes: 4 bytes epoch,
16 bytes block. Equal length for every record, no padding, no character that needs escaping.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from node.room_error import RoomError

MASTER_BYTES = 32
REFERENCE_CHARS = 32
MAX_INTERNAL_KEY = 2**63 - 1  # SQLite's AUTOINCREMENT keys are signed 64-bit
MAX_EPOCH = 2**32 - 1

_TAG = b"il-ref-1"  # 64 bits; checked on the way back
_BLOCK = 16
_INFO = b"interlingua-reference-v1"
_OTHER_INFO = b"interlingua-other-v1:"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = np.frombuffer("".join(map("".join, product(_LETTERS, repeat=2))).encode(), dtype="S2")
"""The two letters of every ten bits."""
_TENS = np.array([30, 20, 10, 0], dtype=np.uint64)
_TEN_BITS = np.uint64(1023)


class ReferenceForeign(RoomError):
    """The text is not a reference that this node gave to that peer for that collection."""

    failure = "not-found"
    code = "reference-foreign"
    fix = "Compare it with what the partner received, letter by letter."


class References:
    """Makes and resolves references under one master secret (32 bytes)."""

    def __init__(self, master: bytes) -> None:
        if len(master) != MASTER_BYTES:
            raise ValueError(f"the master secret has {len(master)} bytes; it must have 32")
        self._master = master
        self._cipher = lru_cache(maxsize=1024)(self._made)
        self._encryptor = lru_cache(maxsize=1024)(self._encrypting)

    def make(self, peer: str, collection: str, epoch: int, keys: Sequence[int]) -> list[str]:
        """Return one reference per internal key, in the same order, by a single cipher call.

        Raises ValueError for a key outside 0..2^63-1 or an epoch outside 0..2^32-1.
        """
        prefix = np.frombuffer(_epoch_bytes(epoch), dtype=np.uint8)
        try:
            internal = np.array(keys, dtype=np.int64)
        except OverflowError:
            internal = np.array([-1])
        if (internal < 0).any():
            raise ValueError("an internal key lies outside 0..2^63-1")
        plain = np.empty((len(keys), 2), dtype=">u8")
        plain[:, 0], plain[:, 1] = internal, int.from_bytes(_TAG)
        sealed = self._encryptor(peer, collection, epoch).update(plain.tobytes())
        raw = np.empty((len(keys), len(prefix) + _BLOCK), dtype=np.uint8)
        raw[:, : len(prefix)] = prefix
        raw[:, len(prefix) :] = np.frombuffer(sealed, dtype=np.uint8).reshape(-1, _BLOCK)
        text = _spelled(raw)
        return [text[at : at + REFERENCE_CHARS] for at in range(0, len(text), REFERENCE_CHARS)]

    def resolve(self, peer: str, collection: str, reference: str) -> tuple[int, int]:
        """Return (internal key, epoch) of a reference that was given to `peer` for `collection`.

        Raises ReferenceForeign for any other text. Upper case is accepted: people type references.
        """
        raw = _decode(reference)
        epoch = int.from_bytes(raw[:4], "big")
        decryptor = self._cipher(peer, collection, epoch).decryptor()
        plain = decryptor.update(raw[4:]) + decryptor.finalize()
        key = int.from_bytes(plain[:8], "big")
        if not hmac.compare_digest(plain[8:], _TAG) or key > MAX_INTERNAL_KEY:
            raise ReferenceForeign(
                f"{reference!r} was not given to {peer} for collection {collection}",
                fix=(
                    "Check the peer and the collection, or ask the partner for the reference again."
                ),
            )
        return key, epoch

    def secret(self, use: bytes) -> bytes:
        """Return 32 bytes derived from the master secret for another use than references."""
        info = _OTHER_INFO + use
        return HKDF(hashes.SHA256(), MASTER_BYTES, salt=None, info=info).derive(self._master)

    def _made(self, peer: str, collection: str, epoch: int) -> Cipher[modes.ECB]:
        # ECB over single, never-repeating blocks is a pseudorandom permutation, which is what is
        # wanted: the same record gives the same reference within an epoch. It has no state, so one
        # encryptor serves all questions of a peer.
        key = self._derived(peer, collection, epoch)
        return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 # one block per message, see above

    def _encrypting(self, peer: str, collection: str, epoch: int) -> CipherContext:
        return self._cipher(peer, collection, epoch).encryptor()

    def _derived(self, peer: str, collection: str, epoch: int) -> bytes:
        # A length before each name, so that no pair of names can read as another pair.
        names = b"".join(
            len(n).to_bytes(2, "big") + n for n in (peer.encode(), collection.encode())
        )
        info = _INFO + names + _epoch_bytes(epoch)
        return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(self._master)


def _epoch_bytes(epoch: int) -> bytes:
    if not 0 <= epoch <= MAX_EPOCH:
        raise ValueError(f"epoch {epoch} lies outside 0..2^32-1")
    return epoch.to_bytes(4, "big")


def _spelled(raw: NDArray[np.uint8]) -> str:
    """Return base32 (RFC 4648) in small letters of rows (n, 20) of bytes, so without padding.

    The standard library's is written in Python and takes many times as long.
    """
    fives = np.zeros((raw.size // 5, 8), dtype=np.uint8)  # five bytes are eight letters
    fives[:, 3:] = raw.reshape(-1, 5)
    numbers = fives.view(">u8").astype(np.uint64)
    return str(_PAIRS[(numbers >> _TENS) & _TEN_BITS].tobytes(), "ascii")


def _decode(reference: str) -> bytes:
    try:
        if len(reference) != REFERENCE_CHARS or not reference.isascii():
            raise binascii.Error
        return base64.b32decode(reference.upper())
    except binascii.Error:
        raise ReferenceForeign(
            f"{reference[:64]!r} is not a reference",
            fix=f"Copy the whole of it: {REFERENCE_CHARS} letters a-z and digits 2-7.",
        ) from None
