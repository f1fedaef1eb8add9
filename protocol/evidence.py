"""The signed request that a leaf carries, so that a responder cannot invent a question.

Rule of this file: evidence is checked from its own bytes alone. It holds the covered component
values in order, the ``Signature-Input`` and ``Signature`` header values as they were received and
the signer's public key; the key id (RFC 7638 thumbprint) in the leaf binds that key, the peer's
root document binds the key id to the organisation.
"""

import base64
import re
from typing import Annotated

from pydantic import Field, StringConstraints

from keys.signer import verify
from keys.thumbprint import thumbprint
from protocol.limits import MAX_EVIDENCE_CHARS, MAX_EVIDENCE_COMPONENTS
from protocol.log_errors import MalformedLeaf
from protocol.notation import WireModel, from_base64url

_SIGNATURE = re.compile(r"([a-z]+)=:([A-Za-z0-9+/]{86}==):")
_INPUT = re.compile(r'([a-z]+)=(\(([^()]*)\)(?:;[a-z]+=(?:"[^"\\]*"|\d+))*)')
_KEY_ID = re.compile(r';keyid="([^"]*)"')

ComponentName = Annotated[str, StringConstraints(pattern=r"^@?[a-z][a-z0-9-]{0,63}$")]
HeaderValue = Annotated[
    str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=MAX_EVIDENCE_CHARS)
]
PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]


UNVERIFIED = "the evidence's signature does not verify"


class Evidence(WireModel):
    """One request's RFC 9421 signature with everything that it covers.

    ``components``: [name, value] in the signature's order; ``signature_input``, ``signature``:
    whole header values (``q=(...);created=...`` and ``q=:...:``); ``public``: 32-byte Ed25519
    key, base64url without padding.
    """

    components: Annotated[
        tuple[tuple[ComponentName, HeaderValue], ...], Field(max_length=MAX_EVIDENCE_COMPONENTS)
    ]
    signature_input: HeaderValue
    signature: HeaderValue
    public: PublicKey

    def component(self, name: str) -> str | None:
        """Return the covered value of ``name``, or ``None`` if the signature does not cover it."""
        return next((value for known, value in self.components if known == name), None)

    def key_id(self) -> str | None:
        """Return the ``keyid`` parameter of the signature."""
        found = _KEY_ID.search(self.signature_input)
        return found.group(1) if found else None

    def signature_base(self) -> bytes:
        """Rebuild the signature base (RFC 9421, section 2.5); ``MalformedLeaf`` if impossible."""
        parsed = _INPUT.fullmatch(self.signature_input)
        if parsed is None:
            raise MalformedLeaf("the evidence's signature input is not one labelled list")
        names = " ".join(f'"{name}"' for name, _ in self.components)
        if parsed.group(3) != names:
            raise MalformedLeaf("the evidence's components are not those that the signature covers")
        lines = [f'"{name}": {value}' for name, value in self.components]
        lines.append(f'"@signature-params": {parsed.group(2)}')
        return "\n".join(lines).encode("ascii")

    def check(self, kid: str) -> None:
        """Verify the signature under ``public``, and that ``kid`` is this key's thumbprint.

        Raises ``MalformedLeaf`` with the reason. Whether ``kid`` was the peer's valid key is for
        the caller, who knows the peer's root document.
        """
        if not verify(*self.signed_by(kid)):
            raise MalformedLeaf(UNVERIFIED)

    def signed_by(self, kid: str) -> tuple[bytes, bytes, bytes]:
        """Return public key, signature and signature base of a signature under the key ``kid``.

        Raises ``MalformedLeaf`` where it cannot be one; whether it verifies is not looked at.
        """
        try:
            public = from_base64url(self.public)
        except ValueError as error:
            raise MalformedLeaf(f"the evidence's public key is {error}") from None
        if thumbprint(public) != kid or self.key_id() != kid:
            raise MalformedLeaf("the evidence is signed by another key than the leaf names")
        found = _SIGNATURE.fullmatch(self.signature)
        label = self.signature_input.partition("=")[0]
        if found is None or found.group(1) != label:
            raise MalformedLeaf("the evidence's signature is not one labelled Ed25519 signature")
        return public, base64.b64decode(found.group(2)), self.signature_base()
