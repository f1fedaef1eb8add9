"""The keys of this node that lie in a token, several generations of a purpose side by side.

The rule of this file: a key is looked for by its id, the thumbprint of its public key, among the
pairs under the purpose's label; labels alone decide nothing, because successors share one. A pair
is a private and a public key of one CKA_ID.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keys.signer import is_sound
from keys.thumbprint import PUBLIC_KEY_BYTES, thumbprint
from node.hsm.errors import HsmKeyUnusable
from node.hsm.signer import TokenSigner
from node.hsm.token import Token

if TYPE_CHECKING:
    from keys.ring import KeyPurpose
    from node.hsm.pin import Pin
    from node.hsm.settings import Hsm

ED25519 = "1.3.101.112"
"""RFC 8410 section 3."""

KEY_ID_BYTES = 16
_OCTET_STRING = bytes((0x04, PUBLIC_KEY_BYTES))


@dataclass(frozen=True)
class Pair:
    """What a token says about a key pair.

    `key_id` is its CKA_ID, `public` the raw public key (32 bytes); `copyable` says that the private
    key may leave the token, so that a copy of it may be elsewhere.
    """

    key_id: bytes
    public: bytes
    copyable: bool


class TokenKeys:
    """Finds and makes keys in a token.

    Args:
        token: where.
        labels: the label of each purpose whose keys lie there.
    """

    def __init__(self, token: Token, labels: dict[KeyPurpose, str]) -> None:
        self._token = token
        self._labels = labels

    def holds(self, purpose: KeyPurpose) -> bool:
        """Whether new keys of a purpose are made in the token."""
        return purpose in self._labels

    def pairs(self, purpose: KeyPurpose) -> dict[str, Pair]:
        """The key pairs under a purpose's label: id -> pair; empty where it has none.

        Raises:
            HsmUnavailable, HsmPinRefused: the token cannot be used.
            HsmKeyUnusable: a key under the label is no whole Ed25519 pair.
        """
        label = self._labels.get(purpose)
        if label is None:
            return {}
        found = self._token.use(lambda session: self._read(session, label))
        return {thumbprint(pair.public): pair for pair in found}

    def at_hand(self, purpose: KeyPurpose, kid: str) -> bool:
        """Whether the public half of a key is there; asks for no PIN unless it is hidden without.

        Raises as `pairs`.
        """
        label = self._labels.get(purpose)
        if label is None:
            return False
        seen = self._token.look(lambda session: _public_keys(session, label))
        return kid in map(thumbprint, seen) or kid in self.pairs(purpose)

    def open(self, purpose: KeyPurpose, kid: str) -> TokenSigner | None:
        """The signer of a key, or None where it is not in the token; raises as `pairs`."""
        pair = self.pairs(purpose).get(kid)
        if pair is None:
            return None
        return TokenSigner(self._token, self._labels[purpose], pair.key_id, pair.public)

    def create(self, purpose: KeyPurpose) -> TokenSigner:
        """Make a key in the token, which it cannot leave.

        Raises as `pairs`, and HsmKeyUnusable where the token makes no Ed25519 keys.
        """
        label, key_id = self._labels[purpose], os.urandom(KEY_ID_BYTES)
        self._token.use(lambda session: _generate(session, label, key_id))
        made = {pair.key_id: pair for pair in self.pairs(purpose).values()}[key_id]
        return TokenSigner(self._token, label, key_id, made.public)

    def remove(self, purpose: KeyPurpose, kid: str) -> None:
        """Destroy a key pair in the token; a missing one is no error."""
        pair = self.pairs(purpose).get(kid)
        if pair is not None:
            label = self._labels[purpose]
            self._token.use(lambda session: _destroy(session, label, pair.key_id))

    def _read(self, session: Any, label: str) -> list[Pair]:
        from pkcs11 import Attribute, ObjectClass

        public = _by_id(session, label, ObjectClass.PUBLIC_KEY)
        private = _by_id(session, label, ObjectClass.PRIVATE_KEY)
        if len(public) != len(private) or set(public) != set(private):
            raise HsmKeyUnusable(
                f"The token {self._token.label} has under {label} {len(private)} private and "
                f"{len(public)} public keys that do not pair by CKA_ID.",
                fix="Give both halves of a pair one CKA_ID and each pair its own; import a missing "
                "public key.",
            )
        return [
            Pair(key_id, _point(public[key_id][Attribute.EC_POINT], label), _copyable(half))
            for key_id, half in private.items()
        ]


def token_keys(settings: Hsm, pin: Pin) -> TokenKeys | None:
    """The keys in the token of the settings; None where these give no label."""
    if settings.module is None or settings.token is None or not settings.labels:
        return None
    return TokenKeys(Token(settings.module, settings.token, pin.text), settings.labels)


def _by_id(session: Any, label: str, kind: Any) -> dict[bytes, Any]:
    """The objects of a kind under a label: CKA_ID -> object."""
    from pkcs11 import Attribute

    found = list(session.get_objects({Attribute.CLASS: kind, Attribute.LABEL: label}))
    by_id = {bytes(each[Attribute.ID]): each for each in found}
    if len(by_id) != len(found):
        raise HsmKeyUnusable(
            f"Two keys under {label} have one CKA_ID.", fix="Give each pair its own CKA_ID."
        )
    return by_id


def _public_keys(session: Any, label: str) -> list[bytes]:
    from pkcs11 import Attribute, ObjectClass

    found = _by_id(session, label, ObjectClass.PUBLIC_KEY)
    return [_point(each[Attribute.EC_POINT], label) for each in found.values()]


def _point(stored: bytes, label: str) -> bytes:
    """The public key: DER OCTET STRING since PKCS#11 3.0, bare in some older modules."""
    raw = stored.removeprefix(_OCTET_STRING) if len(stored) > PUBLIC_KEY_BYTES else stored
    if not is_sound(raw):
        raise HsmKeyUnusable(
            f"A key under {label} is no Ed25519 key.",
            fix="Make it with CKM_EC_EDWARDS_KEY_PAIR_GEN and the curve edwards25519, or let the "
            "node make one.",
        )
    return bytes(raw)


def _copyable(private: Any) -> bool:
    from pkcs11 import Attribute

    return bool(private[Attribute.EXTRACTABLE]) or not private[Attribute.SENSITIVE]


def _generate(session: Any, label: str, key_id: bytes) -> None:
    from pkcs11 import Attribute, KeyType, MechanismFlag
    from pkcs11.util.ec import encode_named_curve_parameters

    curve = session.create_domain_parameters(
        KeyType.EC_EDWARDS,
        {Attribute.EC_PARAMS: encode_named_curve_parameters(ED25519)},
        local=True,
    )
    curve.generate_keypair(
        id=key_id,
        label=label,
        store=True,
        capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
        public_template={Attribute.PRIVATE: False},  # seen without a login
        private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
    )


def _destroy(session: Any, label: str, key_id: bytes) -> None:
    from pkcs11 import Attribute

    for half in list(session.get_objects({Attribute.LABEL: label, Attribute.ID: key_id})):
        half.destroy()
