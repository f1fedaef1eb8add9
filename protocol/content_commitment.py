"""Commitments to a record's content, by which an asker sees that two silos hold one document.

The rule of this file: a commitment means nothing without the key that the asker drew for one
question. So commitments of different questions, askers and epochs cannot be matched, and whoever
finds an old answer learns nothing from them. The asker itself can try texts that it has or guesses;
that is why a grant must allow it.

    commitment = first 16 bytes of HMAC-SHA-256(key, "interlingua-content-v1" 00 digest)
    digest     = SHA-256 of the text in UTF-8, in Unicode form NFC, each run of white space one
                 space, none at the ends
"""

import hashlib
import hmac
import unicodedata

from protocol.notation import from_base64url, to_base64url

COMMITMENT_BYTES = 16
_LABEL = b"interlingua-content-v1\0"


def content_digest(text: str) -> bytes:
    """Return the digest of a text (32 bytes); the same however it is wrapped and composed."""
    normal = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(normal.encode("utf-8", "surrogatepass")).digest()


def commit(key: str, text: str) -> str:
    """Return the commitment to a text under a question's key, both in base64url."""
    keyed = hmac.digest(from_base64url(key), _LABEL + content_digest(text), "sha256")
    return to_base64url(keyed[:COMMITMENT_BYTES])
