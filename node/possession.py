"""Proving in the own root document that the witness keys it names are held here.

Rule of this file: a signature by such a key on the document is the proof (ADR 0069). It is no
condition: a key that cannot be used keeps no version of the document back, which may withdraw
another key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from keys.keyfile import KeyFileError
from node.operations.errors import OperationError
from protocol.dsse import add_signatures, read_envelope
from protocol.limits import MAX_SIGNATURES
from protocol.root import ROOT_TYPE

if TYPE_CHECKING:
    from keys.signer import Signer
    from node.key_files import KeyFiles
    from protocol.root import RootDocument

_log = structlog.get_logger("keys")


def proved(raw: bytes, document: RootDocument, files: KeyFiles) -> bytes:
    """Return the envelope `raw` of a document, signed by its witness keys that lie here too.

    The document and its digest stay as they are. Root keys' signatures go first where all together
    are too many; then the newest keys'.
    """
    left = MAX_SIGNATURES - len(read_envelope(raw, ROOT_TYPE).signatures)
    kids = (k.kid for k in document.keys if k.purpose == "witness" and k.kid not in document.held)
    found = [signer for kid in kids if (signer := _at_hand(files, kid)) is not None]
    return add_signatures(raw, ROOT_TYPE, found[-left:]) if left and found else raw


def _at_hand(files: KeyFiles, kid: str) -> Signer | None:
    try:
        return files.open("witness", kid)
    except (KeyFileError, OperationError) as error:
        _log.warning("witness key not used", key=kid, cause=str(error))
        return None
