"""What root document and card have in common: from bytes to a document, and why not.

The rule of this file: a document's payload is the canonical JSON of its fields, and is refused in
any other spelling; so a document has one digest, whoever computes it and from whichever copy.

    DocumentRefused
    +-- RootRefused      (protocol/root.py)
    +-- CardRefused      (protocol/card.py)
"""

from collections.abc import Container
from functools import cached_property
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from keys.ring import KeyPurpose, KeyRefused, KeyRing
from protocol.canonical import digest, dumps
from protocol.dsse import DsseRefused, Signed, read_envelope
from protocol.limits import MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, MAX_DOCUMENT_ITEMS
from protocol.notation import WireModel
from protocol.strict_json import StrictJsonError, parse

Reason = Literal[
    "form",  # not an envelope, not JSON, unknown or missing fields, not canonical
    "organisation",  # another organisation's document
    "rollback",  # older than what was seen before
    "gap",  # a version in between was not seen
    "fork",  # same number as before, other content
    "pin",  # the pinned root key is not behind it
    "unknown-key",  # nobody known signed it
    "revoked-key",  # a revoked key signed it, or comes back in it
    "expired-key",  # the key that signed it is not valid now
    "reused-key",  # one key under two purposes
    "log-terms",  # it states the term of a log key otherwise than the version before
    "signatures",  # too few of the needed keys signed
    "early",  # issued in the future
    "expired",  # no longer valid
    "lifetime",  # valid for longer than allowed
    "root",  # the card belongs to another root document
    "authority",  # an address that the root document does not name
    "log-origin",  # the card names a log that is not the organisation's
    "log-key",  # the card names a log key that the root document does not
]


class DocumentRefused(Exception):
    """A signed document is not accepted; `reason` is a stable code, the text names cause and fix.

    The document that was accepted before stays in force until it expires.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


class Document(WireModel):
    """A signed document's fields. `payload` are the bytes that are signed, `digest` is theirs."""

    @property
    def payload(self) -> bytes:
        """The canonical JSON of the document."""
        return dumps(self.model_dump(mode="json"))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the payload, computed once; signatures and envelope are no part of it."""
        return digest(self.payload)


D = TypeVar("D", bound=Document)


def read_document(
    raw: bytes, payload_type: str, model: type[D], refused: type[DocumentRefused]
) -> tuple[D, Signed]:
    """Return the document in a DSSE envelope and its unverified signatures.

    Raises `refused` with reason form.
    """
    try:
        signed = read_envelope(raw, payload_type)
        fields = parse(signed.payload, MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, MAX_DOCUMENT_ITEMS)
        document = model.model_validate(fields)
    except (DsseRefused, StrictJsonError) as error:
        raise refused("form", str(error)) from None
    except ValidationError as error:
        raise refused("form", _first(error)) from None
    if document.payload != signed.payload:
        raise refused("form", "the payload is not canonical JSON; its author must sign it anew")
    return document, signed


def require_signatures(
    signed: Signed,
    ring: KeyRing,
    purpose: KeyPurpose,
    at: int,
    refused: type[DocumentRefused],
    *,
    threshold: int = 1,
    withdrawn: Container[str] = (),
) -> frozenset[str]:
    """Return which usable keys of `ring` signed; raise `refused` where fewer than `threshold` did.

    Only keys count that are usable for `purpose` at `at` (epoch seconds, UTC) and not among the
    kids `withdrawn`. The reason is revoked-key if a revoked key is among the signers, else
    expired-key if one is outside its period, else unknown-key if none is usable, else signatures.
    """
    usable: dict[str, bytes] = {}
    refusals: dict[str, KeyRefused] = {}
    for kid in sorted(signed.signatures):
        try:
            if kid in withdrawn:
                raise KeyRefused("revoked", kid, "is revoked by this document")
            usable[kid] = ring.usable(kid, purpose, at).public
        except KeyRefused as refusal:
            refusals[refusal.reason] = refusal
    found = signed.signers(usable)
    if len(found) >= threshold:
        return found
    if "revoked" in refusals:
        raise refused("revoked-key", str(refusals["revoked"]))
    for name in refusals.keys() & {"expired", "early"}:
        raise refused("expired-key", str(refusals[name]))
    if not usable:
        raise refused("unknown-key", f"no {purpose} key that is known here is among the signers")
    raise refused("signatures", f"{len(found)} {purpose} keys signed it; {threshold} must")


def _first(error: ValidationError) -> str:
    found: Any = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part)[:64] for part in found["loc"][:6]) or "the document"
    # names of members are the author's, and nothing is verified yet: they reach terminals
    text = f"{where}: {found['msg'][:200]}"
    return "".join(letter if letter.isprintable() else "?" for letter in text)
