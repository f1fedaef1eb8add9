"""The body of an answer with a receipt: three parts in one.

    {"v":1,"salt":"...","query":"sha256:...", ...}        payload, JSON on one line
    eyJhbnN3ZXIiOiJzaGEyNTY6...                           the leaf's bytes in base64
    c2sp.org/tlog-proof@v1                                its proof, to the end of the body
    index 17
    ...

The rule of this file: the leaf holds the digest of the payload alone, so it can be written before
the proof exists, and the Content-Digest covers all three, so none can be exchanged.
"""

import base64
import binascii
from dataclasses import dataclass

from protocol.limits import MAX_LEAF_LINE_CHARS


class BodyMalformed(ValueError):
    """The bytes are not payload, leaf and proof."""


@dataclass(frozen=True, slots=True)
class AnswerBody:
    """`payload` is the line without its LF, `leaf` the decoded leaf, `proof` a tlog-proof."""

    payload: bytes
    leaf: bytes
    proof: bytes


def write_body(payload: bytes, leaf: bytes, proof: bytes) -> bytes:
    """Return the body of three parts; BodyMalformed where the payload is not one line."""
    if not payload or b"\n" in payload:
        raise BodyMalformed("the payload must be one line")
    return b"\n".join((payload, base64.b64encode(leaf), proof))


def split_body(body: bytes) -> AnswerBody:
    """Return the three parts; BodyMalformed for anything that `write_body` does not write.

    Nothing is judged yet: the payload may not be JSON, the leaf no leaf, the proof no proof.
    """
    payload, lf, rest = body.partition(b"\n")
    line, lf_too, proof = rest.partition(b"\n")
    if not lf or not lf_too or not payload or not proof:
        raise BodyMalformed("the body is not payload, leaf and proof, each after a line break")
    if len(line) > MAX_LEAF_LINE_CHARS:
        raise BodyMalformed(f"the leaf's line has more than {MAX_LEAF_LINE_CHARS} characters")
    try:
        leaf = binascii.a2b_base64(line, strict_mode=True)
    except binascii.Error:
        raise BodyMalformed("the leaf's line is not base64") from None
    if not leaf or base64.b64encode(leaf) != line:
        raise BodyMalformed("the leaf's line is not canonical base64")
    return AnswerBody(payload, leaf, proof)
