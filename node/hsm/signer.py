"""A signer whose key lies in a token.

The rule of this file: a signature leaves only when it verifies under the public key. A token that
signs wrongly, by a fault or another key under the same handle, is found here and not by partners;
a single wrong Ed25519 signature can give the key away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keys.signer import verify
from keys.thumbprint import thumbprint
from node.hsm.errors import HsmKeyUnusable

if TYPE_CHECKING:
    from node.hsm.token import Token


class TokenSigner:
    """One Ed25519 key pair in a token; satisfies `keys.signer.Signer`.

    Args:
        token: where the key lies.
        label: its label (CKA_LABEL).
        key_id: what tells it from others of its label (CKA_ID).
        public: its raw public key, 32 bytes.
    """

    def __init__(self, token: Token, label: str, key_id: bytes, public: bytes) -> None:
        self._token = token
        self._label = label
        self._key_id = key_id
        self._handle: tuple[object, Any] | None = None  # of one session; the next has others
        self.public = public
        self.kid = thumbprint(public)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`.

        Waits for the token, and for others that sign with it: a token does one thing at a time.

        Raises:
            HsmUnavailable: the token cannot be talked to, also not with a new session.
            HsmKeyUnusable: the key is gone, or its signature does not verify.
        """
        signature = self._token.use(lambda session: self._sign(session, message))
        if not verify(self.public, signature, message):
            raise HsmKeyUnusable(
                f"The token {self._token.label} gave a wrong signature for {self.kid}.",
                fix="Do not use this token: revoke the key, and have the device looked at.",
            )
        return signature

    def __repr__(self) -> str:
        return f"TokenSigner({self.kid})"

    def _sign(self, session: Any, message: bytes) -> bytes:
        from pkcs11 import Mechanism

        if self._handle is None or self._handle[0] is not session:
            self._handle = (session, self._find(session))
        # no parameters: plain Ed25519 (PKCS#11 3.0 section 2.3.14), not Ed25519ctx or Ed25519ph
        signature: bytes = self._handle[1].sign(message, mechanism=Mechanism.EDDSA)
        return signature

    def _find(self, session: Any) -> Any:
        from pkcs11 import Attribute, ObjectClass

        found = list(
            session.get_objects(
                {
                    Attribute.CLASS: ObjectClass.PRIVATE_KEY,
                    Attribute.LABEL: self._label,
                    Attribute.ID: self._key_id,
                }
            )
        )
        if len(found) != 1:
            raise HsmKeyUnusable(
                f"The token {self._token.label} no longer holds the key {self.kid}.",
                fix="Restore it in the token, or: interlingua key --help for a successor.",
            )
        return found[0]
