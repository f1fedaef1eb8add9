"""A root document on its way to its root keys: a file that grows by signatures.

    {"authorities":[...],...}                            unsigned: the document's canonical JSON
    {"payload":"..","payloadType":"..","signatures":[]}  with signatures: the DSSE envelope

The rule of this file: what is signed are the bytes of the document that was read and shown, and one
that is not in its canonical form is refused.
"""

from keys.signer import Signer
from protocol.dsse import DsseRefused, add_signatures, read_envelope, sign
from protocol.limits import MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, MAX_DOCUMENT_ITEMS
from protocol.root import ROOT_TYPE, RootDocument, RootRefused, read_root
from protocol.strict_json import StrictJsonError, parse


def read_draft(raw: bytes) -> RootDocument:
    """Return the document in a file, signed or not; raises RootRefused (form)."""
    text = raw.rstrip(b"\n")
    if is_signed(text):
        return read_root(text)[0]
    try:
        fields = parse(text, MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, MAX_DOCUMENT_ITEMS)
        document = RootDocument.model_validate(fields)
    except (StrictJsonError, ValueError) as error:
        raise RootRefused("form", f"no root document: {_first_line(error)}") from None
    if document.payload != text:
        raise RootRefused("form", "the document is not canonical JSON; export it again")
    return document


def sign_draft(raw: bytes, signer: Signer) -> tuple[bytes, int]:
    """Return the envelope with `signer`'s signature added, and how many it has now."""
    text = raw.rstrip(b"\n")
    document = read_draft(text)
    if is_signed(text):
        signed = add_signatures(text, ROOT_TYPE, [signer])
    else:
        signed = sign(document.payload, ROOT_TYPE, [signer])
    return signed, len(read_envelope(signed, ROOT_TYPE).signatures)


def is_signed(raw: bytes) -> bool:
    """Tell whether a file holds a signed document, be its signatures right or wrong."""
    try:
        read_envelope(raw.rstrip(b"\n"), ROOT_TYPE)
    except DsseRefused:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
