"""The pairing request that answers an invitation, and the six words that two people compare.

The rules of this file:

- A request is signed by a sign key of the root document that it brings, so nobody answers in the
  name of an organisation whose keys it does not have. It proves no more: which organisation it
  is, the words decide.
- The words cover names, root keys and nonces of both sides. Whoever stands between the two and
  shows each its own keys must make both lists of words equal. The one who answers chose its nonce
  after it saw the invitation, so one side's words are fixed before the other's can be made, and
  every attempt at them costs one scrypt (RFC 7914) with N=2^15, r=8, p=1: 32 MiB and about 0.1 s.
  2^66 of these are out of reach within the life of an invitation (docs/adr/0019).

    {"card":"<envelope>","request":"<envelope>","root":"<envelope>",
     "type":"interlingua-pairing-request-v1"}
"""

import hashlib
from dataclasses import dataclass

from keys.signer import Signer
from keys.words import safety_words
from protocol.canonical import dumps
from protocol.card import CARD_TYPE, Card, CardRefused, accept_card
from protocol.document import Document, DocumentRefused, read_document, require_signatures
from protocol.dsse import Signed, sign
from protocol.invitation import PairingRefused, nonce_digest, read_frame
from protocol.limits import (
    MAX_DETAIL_CHARS,
    PAIRING_SCRYPT_N,
    PAIRING_SCRYPT_P,
    PAIRING_SCRYPT_R,
)
from protocol.notation import Bits128, Digest, KeyId, Organisation, Version1
from protocol.problems import TYPE_PREFIX, Problem
from protocol.root import RootDocument, RootRefused, accept_root, read_root

REQUEST_TYPE = "application/vnd.interlingua.pairing-request+json"
REQUEST_FILE = "interlingua-pairing-request-v1"
PAIRING_PATH = "/federation/v1/pairing"
PAIRING_MEDIA_TYPE = "application/json"
RECEIVED = dumps({"v": 1, "state": "received"})
"""The body of the answer to a request that was not refused."""

_LABEL = b"interlingua pairing words v1\n"


class RequestRefused(DocumentRefused):
    """The signed part of a request is not accepted; see DocumentRefused."""


class PairingRequest(Document):
    """The signed part of a request.

    `organisation` asks `to`, whose root key `inviter` and `invitation` (the nonce) come from the
    invitation. `root` is the asking side's root key, `nonce` its own 128 random bits;
    `root_document` and `card` are digests of the documents beside it.
    """

    v: Version1 = 1
    organisation: Organisation
    root: KeyId
    nonce: Bits128
    to: Organisation
    inviter: KeyId
    invitation: Bits128
    root_document: Digest
    card: Digest


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request whose form is right and of which nothing else is known yet."""

    request: PairingRequest
    signed: Signed
    root: bytes
    card: bytes

    @property
    def digest(self) -> str:
        """The digest of what was signed: the same request again has the same."""
        return self.request.digest

    @property
    def lookup(self) -> str:
        """The digest under which the inviter keeps the invitation."""
        return nonce_digest(self.request.invitation)


def write_request(request: PairingRequest, signer: Signer, root: bytes, card: bytes) -> bytes:
    """Return the request as it is sent, signed by a sign key that `root` names."""
    signed = sign(request.payload, REQUEST_TYPE, [signer])
    return dumps(
        {
            "type": REQUEST_FILE,
            "request": signed.decode(),
            "root": root.decode(),
            "card": card.decode(),
        }
    )


def read_request(raw: bytes) -> ReadRequest:
    """Read a request; cheap, and nothing of it is verified. PairingRefused (request-invalid)."""
    fields = read_frame(raw.strip(), REQUEST_FILE, ("request", "root", "card"), "request-invalid")
    try:
        request, signed = read_document(
            fields["request"].encode(), REQUEST_TYPE, PairingRequest, RequestRefused
        )
    except RequestRefused as error:
        raise PairingRefused("request-invalid", f"This is no pairing request: {error}.") from None
    return ReadRequest(request, signed, fields["root"].encode(), fields["card"].encode())


def accept_request(read: ReadRequest, at: int) -> tuple[RootDocument, Card]:
    """Return root document and card of a request that its owner signed.

    Which organisation that is, is not known before the words were compared. `at` is now (epoch
    seconds, UTC). Raises PairingRefused: documents-invalid, request-unsigned.
    """
    request = read.request
    root, card = accept_documents(read.root, read.card, request.root, request.organisation, at)
    if (request.root_document, request.card) != (root.digest, card.digest):
        raise PairingRefused("request-unsigned", "The request was signed for other documents.")
    try:
        require_signatures(read.signed, root.ring, "sign", at, RequestRefused)
    except RequestRefused as error:
        raise PairingRefused(
            "request-unsigned", f"The request's signature does not count: {error}."
        ) from None
    return root, card


def accept_documents(
    root_raw: bytes, card_raw: bytes, kid: str, organisation: str, at: int
) -> tuple[RootDocument, Card]:
    """Return the first root document and card of an organisation, under the root key `kid`.

    The card may have expired since it was made, as a file that travelled by mail may: it then says
    which serial is the least to accept, and is not in force. Raises PairingRefused
    (documents-invalid).
    """
    try:
        root = accept_root(root_raw, kid, None, at, organisation=organisation)
        seen = read_document(card_raw, CARD_TYPE, Card, CardRefused)[0]
        return root, accept_card(card_raw, root, None, min(at, seen.expires - 1))
    except DocumentRefused as error:
        raise PairingRefused(
            "documents-invalid", f"The documents of {organisation} do not verify: {error}."
        ) from None


def pin_of(root_raw: bytes) -> str:
    """Return the key id of a root key that signed an own root document: what others pin.

    Raises RootRefused where nothing signed it.
    """
    document, signed = read_root(root_raw)
    for key in document.roots:
        if key.kid in signed.signatures:
            return key.kid
    raise RootRefused("signatures", "none of its root keys signed the root document")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a pairing: its name, the key id of its root key, its nonce."""

    organisation: str
    root: str
    nonce: str


def pairing_words(inviter: Side, requester: Side) -> str:
    """Return the six words of a pairing, joined by spaces; slow by intent (see above)."""
    transcript = dumps({"v": 1, "inviter": _written(inviter), "requester": _written(requester)})
    material = hashlib.scrypt(
        transcript,
        salt=_LABEL,
        n=PAIRING_SCRYPT_N,
        r=PAIRING_SCRYPT_R,
        p=PAIRING_SCRYPT_P,
        maxmem=2 * 128 * PAIRING_SCRYPT_N * PAIRING_SCRYPT_R,
        dklen=32,
    )
    return " ".join(safety_words(material))


@dataclass(frozen=True, slots=True)
class _Said:
    """What a refusal says on the wire; `aloud` where its detail is the requester's own business."""

    status: int
    title: str
    aloud: bool = False


_SAID: dict[str, _Said] = {
    "request-invalid": _Said(400, "The body is not a pairing request", aloud=True),
    "invitation-unknown": _Said(403, "There is no such invitation"),
    "invitation-used": _Said(403, "The invitation has been used"),
    "invitation-expired": _Said(403, "The invitation has expired"),
    "invitation-for-another": _Said(403, "The invitation is not for this request"),
    "documents-invalid": _Said(422, "The documents in the request do not verify", aloud=True),
    "request-unsigned": _Said(403, "The request is not signed as it must be", aloud=True),
}


def problem_of(refused: PairingRefused) -> Problem:
    """Return the body of a refused request; a detail only where it tells nothing of this side."""
    said = _SAID[refused.reason]
    return Problem(
        type=TYPE_PREFIX + refused.reason,
        title=said.title,
        status=said.status,
        code=refused.reason,
        detail=str(refused)[:MAX_DETAIL_CHARS] if said.aloud else None,
    )


def request_words(request: PairingRequest) -> str:
    """Return the six words of the pairing that a request asks for."""
    return pairing_words(
        Side(request.to, request.inviter, request.invitation),
        Side(request.organisation, request.root, request.nonce),
    )


def _written(side: Side) -> dict[str, str]:
    return {"organisation": side.organisation, "root": side.root, "nonce": side.nonce}
