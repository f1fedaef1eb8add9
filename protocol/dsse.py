"""Signed documents travel in DSSE v1 envelopes, which sign bytes and the name of their type.

    {"payload":"<base64>","payloadType":"<media type>","signatures":[{"keyid":"..","sig":".."}]}

The rule of this file: a signature counts only over PAE(type, payload) (DSSE protocol 1.0.0), once
per key, and only for the type that the reader asked for. `keyid` is required here; it picks the key
that is tried and is never itself a reason to trust. Both base64 alphabets are read, as DSSE
demands; standard base64 is written.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from keys.signer import SIGNATURE_BYTES, Signer, verify
from protocol.canonical import dumps
from protocol.limits import (
    MAX_DOCUMENT_BYTES,
    MAX_ENVELOPE_DEPTH,
    MAX_ENVELOPE_ITEMS,
    MAX_SIGNATURES,
)
from protocol.notation import KeyId, WireModel
from protocol.strict_json import StrictJsonError, parse

Reason = Literal["form", "type"]


class DsseRefused(Exception):
    """An envelope is not acceptable: form, or type (another document's)."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


class _Signature(WireModel):
    keyid: KeyId
    sig: Annotated[str, Field(max_length=88)]


class _Wire(WireModel):
    payload: str
    payload_type: Annotated[
        str, StringConstraints(min_length=1, max_length=256), Field(alias="payloadType")
    ]
    signatures: Annotated[
        tuple[_Signature, ...], Field(strict=False, min_length=1, max_length=MAX_SIGNATURES)
    ]


@dataclass(frozen=True, slots=True)
class Signed:
    """An opened envelope whose signatures are not verified yet: payload, type, {kid: signature}."""

    payload: bytes
    payload_type: str
    signatures: Mapping[str, bytes]

    def signers(self, keys: Mapping[str, bytes]) -> frozenset[str]:
        """Return the kids among `keys` (kid -> raw public key) whose signature verifies."""
        message = pae(self.payload_type, self.payload)
        return frozenset(
            kid
            for kid, signature in self.signatures.items()
            if kid in keys and verify(keys[kid], signature, message)
        )

    def encode(self) -> bytes:
        """Return the envelope's bytes; signatures in the order of their kids."""
        signatures = [
            {"keyid": kid, "sig": _base64(signature)}
            for kid, signature in sorted(self.signatures.items())
        ]
        return dumps(
            {
                "payload": _base64(self.payload),
                "payloadType": self.payload_type,
                "signatures": signatures,
            }
        )


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding, the bytes that are signed."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, payload_type: str, signers: Iterable[Signer]) -> bytes:
    """Return the envelope of `payload`, signed by every signer."""
    message = pae(payload_type, payload)
    signatures = {signer.kid: signer.sign(message) for signer in signers}
    return Signed(payload, payload_type, signatures).encode()


def add_signatures(raw: bytes, payload_type: str, signers: Iterable[Signer]) -> bytes:
    """Return an existing envelope with further signatures: for keys that live on other machines.

    Raises DsseRefused if `raw` is no envelope of that type. Does not judge what it already carries.
    """
    signed = read_envelope(raw, payload_type)
    message = pae(payload_type, signed.payload)
    added = {signer.kid: signer.sign(message) for signer in signers}
    return Signed(signed.payload, payload_type, {**signed.signatures, **added}).encode()


def read_envelope(raw: bytes, payload_type: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> Signed:
    """Return the envelope in `raw` without verifying it. Raises DsseRefused: form or type."""
    try:
        wire = _Wire.model_validate(parse(raw, max_bytes, MAX_ENVELOPE_DEPTH, MAX_ENVELOPE_ITEMS))
    except StrictJsonError as error:
        raise DsseRefused("form", f"not a DSSE envelope: {error}") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise DsseRefused("form", f"not a DSSE envelope: member {where[:64]} is wrong") from None
    if wire.payload_type != payload_type:
        raise DsseRefused("type", f"the envelope holds another document, not {payload_type}")
    signatures: dict[str, bytes] = {}
    for entry in wire.signatures:
        if entry.keyid in signatures:
            raise DsseRefused("form", f"key {entry.keyid} signed twice; keep one signature a key")
        signatures[entry.keyid] = _unbase64(entry.sig)
        if len(signatures[entry.keyid]) != SIGNATURE_BYTES:
            raise DsseRefused("form", "a signature has another length than Ed25519's 64 bytes")
    return Signed(_unbase64(wire.payload), payload_type, signatures)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _unbase64(text: str) -> bytes:
    standard = text.replace("-", "+").replace("_", "/")
    try:
        raw = binascii.a2b_base64(standard, strict_mode=True)
    except (binascii.Error, ValueError):
        raise DsseRefused("form", "payload or signature is not base64 with padding") from None
    if _base64(raw) != standard:
        raise DsseRefused("form", "payload or signature is not the canonical base64 of its bytes")
    return raw
