"""A key's name is computed from the key itself, so nobody can give one key another's name.

The rule of this file: a `kid` is the RFC 7638 thumbprint (SHA-256) of the Ed25519 public key as an
RFC 8037 JSON Web Key, base64url without padding: 43 characters.
"""

import base64
import hashlib
from functools import lru_cache

PUBLIC_KEY_BYTES = 32
KID_CHARS = 43


@lru_cache(maxsize=1024)
def thumbprint(public: bytes) -> str:
    """Return the key id of a raw 32-byte Ed25519 public key.

    RFC 7638 section 3 over the members that RFC 8037 section 2 requires (crv, kty, x), in that
    order and without whitespace. Raises ValueError unless `public` has 32 bytes.
    """
    if len(public) != PUBLIC_KEY_BYTES:
        raise ValueError(f"an Ed25519 public key has 32 bytes; this has {len(public)}")
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(public)}"}}'
    return _base64url(hashlib.sha256(jwk.encode("ascii")).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
