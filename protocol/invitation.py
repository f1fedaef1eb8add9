"""The invitation with which a pairing begins: who invites, where, under which root key, how long.

The rule of this file: an invitation is good once and for a time, and says which root key its
answerer will pin; it proves nothing by itself. Trust comes from two people who compare six words
(protocol/pairing.py), so an invitation may be lost, read or replaced and does no more harm than a
pairing that nobody approves.

As one line of text:

    interlingua-invite:<base64url of the invitation's canonical JSON>

As a file, with the inviter's documents, so that neither node needs to be reachable:

    {"card":"<envelope>","invitation":"interlingua-invite:...","root":"<envelope>",
     "type":"interlingua-invitation-v1"}
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from protocol.canonical import digest, dumps
from protocol.limits import (
    MAX_INVITATION_CHARS,
    MAX_PAIRING_BYTES,
    MAX_PAIRING_DEPTH,
    MAX_PAIRING_ITEMS,
)
from protocol.notation import (
    BaseUrl,
    Bits128,
    KeyId,
    Organisation,
    Time,
    Version1,
    WireModel,
    from_base64url,
    to_base64url,
)
from protocol.strict_json import StrictJsonError, parse

PREFIX = "interlingua-invite:"
INVITATION_FILE = "interlingua-invitation-v1"

Reason = Literal[
    "invitation-invalid",  # not an invitation in one of the two forms
    "invitation-unknown",  # not made by this node, or withdrawn
    "invitation-expired",  # its time is over
    "invitation-used",  # it has been answered before
    "invitation-for-another",  # it was made for another organisation, or by another one
    "request-invalid",  # not a pairing request
    "request-unsigned",  # not signed by a sign key of the documents that it brings
    "documents-invalid",  # root document or card do not verify, or not under the key named
]

_FAILURES: dict[Reason, str] = {
    "invitation-invalid": "invalid-request",
    "invitation-unknown": "not-found",
    "invitation-expired": "conflict",
    "invitation-used": "conflict",
    "invitation-for-another": "not-permitted",
    "request-invalid": "invalid-request",
    "request-unsigned": "not-verified",
    "documents-invalid": "not-verified",
}

_AGAIN = "A new invitation is needed: `interlingua peer invite` on the inviting side."
_FIXES: dict[Reason, str] = {
    "invitation-invalid": "Copy the whole line or file that `interlingua peer invite` gave.",
    "invitation-unknown": _AGAIN,
    "invitation-expired": _AGAIN,
    "invitation-used": f"{_AGAIN} Tell the other admin if it was not you who used it.",
    "invitation-for-another": _AGAIN,
    "request-invalid": "Use the file that `interlingua peer request --output` wrote.",
    "request-unsigned": "Let the other side request anew: `interlingua peer request`.",
    "documents-invalid": "Compare the clocks, then begin anew with `interlingua peer invite`.",
}


class PairingRefused(Exception):
    """An invitation or a request is refused; `reason` is a stable code, `fix` says what to do."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.code = str(reason)
        self.failure = _FAILURES[reason]
        self.fix = _FIXES[reason]


class Invitation(WireModel):
    """What the inviter hands over.

    `root` is the key id of its root key; `url` where its node is reached, None where it only asks;
    `nonce` (128 random bits) makes the invitation one of its own and is known to its holders only;
    from `expires` on it is refused.
    """

    v: Version1 = 1
    organisation: Organisation
    url: BaseUrl | None
    root: KeyId
    nonce: Bits128
    expires: Time

    def encode(self) -> str:
        """Return the one-line text form."""
        return PREFIX + to_base64url(dumps(self.model_dump(mode="json")))

    @property
    def lookup(self) -> str:
        """The digest under which the inviter keeps it: whoever reads that cannot answer it."""
        return nonce_digest(self.nonce)


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation as it was read; root document and card (unverified) where a file had them."""

    invitation: Invitation
    root: bytes | None = None
    card: bytes | None = None


def nonce_digest(nonce: str) -> str:
    """Return the digest of an invitation's nonce as it is written."""
    return digest(nonce.encode("ascii"))


def write_invitation_file(invitation: Invitation, root: bytes, card: bytes) -> bytes:
    """Return the file form: the invitation with the inviter's signed root document and card."""
    return dumps(
        {
            "type": INVITATION_FILE,
            "invitation": invitation.encode(),
            "root": root.decode(),
            "card": card.decode(),
        }
    )


def read_invitation(given: str | bytes) -> Invited:
    """Return the invitation in a line of text or in a file's content.

    White space around it does not count. Raises PairingRefused (invitation-invalid).
    """
    raw = given.encode("utf-8", "replace") if isinstance(given, str) else given
    raw = raw.strip()
    if not raw.startswith(b"{"):
        return Invited(_read_text(raw))
    fields = read_frame(raw, INVITATION_FILE, ("invitation", "root", "card"), "invitation-invalid")
    return Invited(
        _read_text(fields["invitation"].encode()), fields["root"].encode(), fields["card"].encode()
    )


def read_frame(raw: bytes, kind: str, names: tuple[str, ...], reason: Reason) -> dict[str, str]:
    """Return the texts `names` of a frame of the type `kind`; PairingRefused with `reason`."""
    try:
        fields: dict[str, Any] = parse(raw, MAX_PAIRING_BYTES, MAX_PAIRING_DEPTH, MAX_PAIRING_ITEMS)
    except StrictJsonError as error:
        raise PairingRefused(reason, f"This is no file of type {kind}: {error}.") from None
    if set(fields) != {"type", *names} or fields["type"] != kind:
        raise PairingRefused(reason, f"This is no file of type {kind}.")
    if not all(isinstance(fields[name], str) for name in names):
        raise PairingRefused(reason, f"A member of this file of type {kind} is not a text.")
    return fields


def _read_text(raw: bytes) -> Invitation:
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        raise _invalid("it holds other letters than an invitation") from None
    if len(text) > MAX_INVITATION_CHARS:
        raise _invalid(f"it is longer than {MAX_INVITATION_CHARS} characters")
    if not text.startswith(PREFIX):
        raise _invalid(f"it does not begin with {PREFIX}")
    try:
        payload = from_base64url(text.removeprefix(PREFIX))
        fields = parse(payload, MAX_INVITATION_CHARS, MAX_PAIRING_DEPTH, MAX_PAIRING_ITEMS)
        invitation = Invitation.model_validate(fields)
    except ValidationError:
        raise _invalid("a member is missing, unknown or wrong") from None
    except (StrictJsonError, ValueError) as error:
        raise _invalid(str(error)) from None
    if dumps(invitation.model_dump(mode="json")) != payload:
        raise _invalid("it is not in the one spelling that an invitation has")
    return invitation


def _invalid(why: str) -> PairingRefused:
    return PairingRefused("invitation-invalid", f"This is no invitation: {why}.")
