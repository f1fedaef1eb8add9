"""Who asked, as a commitment: the partner learns nothing from it, the asker's auditor can open it.

The commitment of one question is SHA-256 over a key of that question and the person's name; the
key is HMAC-SHA256 of 128 random bits, the question's opener, under a secret derived from the node's
master secret. So the commitments of one person cannot be linked, guessing a name leads nowhere
without the key, and showing one question's key and name proves who asked it and nothing about any
other. The opener is kept sealed beside the log and nowhere else: once it is erased, neither the
master secret nor what partners hold gives the key back.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_INFO = b"interlingua-actor-v1"


class Actors:
    """Makes commitments under one master secret (32 bytes)."""

    def __init__(self, master: bytes) -> None:
        self._secret = HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(master)

    def opening(self, opener: str) -> bytes:
        """Return the key (32 bytes) that opens the commitment made with this opener."""
        return hmac.digest(self._secret, opener.encode(), "sha256")

    def commitment(self, opener: str, name: str) -> str:
        """Return `sha256:<hex>` for the person `name` asking the question with this opener."""
        return committed(self.opening(opener), name)


def committed(opening: bytes, name: str) -> str:
    """Return the commitment that a question's key and a name give; an auditor compares it."""
    return "sha256:" + hashlib.sha256(opening + name.encode()).hexdigest()
