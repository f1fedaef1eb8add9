"""Signers see bytes only; what the bytes mean is the protocol's business.

The rule of this file: one algorithm, Ed25519 (RFC 8032), directly on `cryptography`. A public key
of small order is never trusted: under it, anybody could make signatures that verify.

`Signer` is all that a signature needs. `SeedSigner` holds its key in memory, from a key file; the
one in `node/hsm/` has a token sign, because talking to one is I/O. tests/keys/signer_contract.py is
what any backend must pass.
"""

from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from keys.thumbprint import PUBLIC_KEY_BYTES, thumbprint

SEED_BYTES = 32
SIGNATURE_BYTES = 64

_FIELD = 2**255 - 19
_SIGN_BIT = 1 << 255
_ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
# y coordinates of the eight points whose order divides 8; the sign bit of x does not matter here.
_SMALL_ORDER_Y = frozenset({0, 1, _FIELD - 1, _ORDER_8_Y, _FIELD - _ORDER_8_Y})


class Signer(Protocol):
    """Whatever can sign with one Ed25519 private key, wherever that key lies.

    `public` is the raw 32-byte public key, `kid` its thumbprint; neither changes in a signer's
    life. `sign` may be called from any thread, and gives the same signature for the same message.
    """

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""

    @property
    def kid(self) -> str:
        """The thumbprint of the public key (RFC 7638)."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`, which may have any length."""


class SeedSigner:
    """One Ed25519 private key in this process's memory.

    `seed` is the 32-byte private seed (RFC 8032 section 5.1.5), `public` the raw 32-byte public
    key, `kid` its thumbprint. The representation shows the kid only.
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public: bytes = private.public_key().public_bytes_raw()
        self.kid: str = thumbprint(self.public)

    @classmethod
    def generate(cls) -> "SeedSigner":
        """Return a signer with a new random key from the operating system's generator."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> "SeedSigner":
        """Return the signer of a 32-byte seed; ValueError for any other length."""
        if len(seed) != SEED_BYTES:
            raise ValueError(f"an Ed25519 seed has 32 bytes; this has {len(seed)}")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def seed(self) -> bytes:
        """The private seed: for a key file, and for nothing else."""
        return self._private.private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"SeedSigner({self.kid})"


def is_sound(public: bytes) -> bool:
    """Tell whether `public` is 32 bytes, a reduced y coordinate, and not of small order."""
    if len(public) != PUBLIC_KEY_BYTES:
        return False
    y = int.from_bytes(public, "little") & (_SIGN_BIT - 1)
    return y < _FIELD and y not in _SMALL_ORDER_Y


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` (64 bytes) is `public`'s over `message`. Never raises.

    A key that is not sound verifies nothing.
    """
    key = _loaded(public)
    if len(signature) != SIGNATURE_BYTES or key is None:
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=4096)  # as many partners' keys as a node ever has
def _loaded(public: bytes) -> Ed25519PublicKey | None:
    """Return the key that may verify, None where it is not sound or no point on the curve."""
    if not is_sound(public):
        return None
    try:
        return Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        return None
