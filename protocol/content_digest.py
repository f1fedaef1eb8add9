"""The Content-Digest of a body (RFC 9530), in the one form that the profile knows.

    Content-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:

The rule of this file: one digest, sha-256, over the bytes as they travelled (no content encoding),
in canonical base64. Nothing here compares: whoever has a body writes its field and compares text.
"""

import base64
import re

_FORM = re.compile(r"sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:")


def is_content_digest(value: str) -> bool:
    """Tell whether a field value is exactly one canonical sha-256 digest."""
    return _FORM.fullmatch(value) is not None


def content_digest(sha256: bytes) -> str:
    """Return the field value for a SHA-256 hash (32 bytes)."""
    return f"sha-256=:{base64.b64encode(sha256).decode('ascii')}:"
