"""How a passphrase seals 32 bytes.

The rule of this file: scrypt (RFC 7914) with N=2^17, r=8, p=1 (128 MiB, about half a second) turns
passphrase and random salt into an AES-256-GCM key; what the secret is for is authenticated with it,
so that a sealed secret cannot be passed off as another. Other parameters are refused, in both
directions: weaker ones, and ones that would exhaust the machine.
"""

import os
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

SALT_BYTES = 16
NONCE_BYTES = 12
SECRET_BYTES = 32
SEALED_BYTES = SECRET_BYTES + 16  # the GCM tag

SCRYPT_N: Literal[131072] = 131072
SCRYPT_R: Literal[8] = 8
SCRYPT_P: Literal[1] = 1


class DoesNotOpen(Exception):
    """The passphrase is another one, or the sealed bytes or their context were changed."""


def seal(secret: bytes, passphrase: bytes, context: bytes) -> tuple[bytes, bytes, bytes]:
    """Return (salt 16 bytes, nonce 12 bytes, sealed 48 bytes) of a 32-byte secret.

    Raises ValueError for an empty passphrase or another length.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"the secret has {len(secret)} bytes; it must have {SECRET_BYTES}")
    if not passphrase:
        raise ValueError("the passphrase is empty; give one, or none at all")
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    return salt, nonce, AESGCM(_derive(passphrase, salt)).encrypt(nonce, secret, context)


def unseal(sealed: bytes, passphrase: bytes, salt: bytes, nonce: bytes, context: bytes) -> bytes:
    """Return the 32-byte secret. Raises DoesNotOpen."""
    try:
        return AESGCM(_derive(passphrase, salt)).decrypt(nonce, sealed, context)
    except InvalidTag:
        raise DoesNotOpen from None


def _derive(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase)
