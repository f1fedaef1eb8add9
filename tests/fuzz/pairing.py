"""Invitations and pairing requests, as lines and as files."""

from functools import cache

import orjson

from protocol.canonical import dumps
from protocol.dsse import sign
from protocol.invitation import (
    PREFIX,
    Invitation,
    PairingRefused,
    read_invitation,
    write_invitation_file,
)
from protocol.notation import from_base64url, to_base64url
from protocol.pairing import (
    REQUEST_FILE,
    REQUEST_TYPE,
    PairingRequest,
    accept_request,
    read_request,
    write_request,
)
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_json, spelled
from tests.fuzz.target import Target
from tests.protocol.organisation import NOW, card, root, signed_card, signed_root, signer

NONCE = "A" * 22
INVITATION = Invitation(
    organisation="clinic.example",
    url="https://clinic.example:8443",
    root=signer("root 1").kid,
    nonce=NONCE,
    expires=NOW + 60,
)
REQUEST = PairingRequest(
    organisation="clinic.example",
    root=signer("root 1").kid,
    nonce=NONCE,
    to="hospital.example",
    inviter=signer("root 2").kid,
    invitation=NONCE,
    root_document=root().digest,
    card=card().digest,
)


@cache
def valid() -> list[bytes]:
    """An invitation in both forms, and a request."""
    documents = signed_root(root()), signed_card(card())
    return [
        INVITATION.encode().encode(),
        write_invitation_file(INVITATION, *documents),
        write_request(REQUEST, signer("sign 1"), *documents),
    ]


def nearly(choices: Choices) -> bytes:
    """An invitation that says something else, or a request that does and is signed."""
    if choices.below(2):
        payload = from_base64url(INVITATION.encode().removeprefix(PREFIX))
        changed = changed_json(orjson.loads(payload), choices)
        return PREFIX.encode() + to_base64url(spelled(changed, choices)).encode()
    frame = orjson.loads(valid()[2])
    if choices.below(3) == 0:
        return spelled(changed_json(frame, choices), choices)
    payload = spelled(changed_json(orjson.loads(REQUEST.payload), choices), choices)
    frame["request"] = sign(payload, REQUEST_TYPE, [signer("sign 1")]).decode()
    return dumps(frame)


def read(raw: bytes) -> None:
    """Read it as a request where it names that type, else as an invitation."""
    if REQUEST_FILE.encode() in raw:
        accept_request(read_request(raw), NOW)
    else:
        read_invitation(raw)


TARGET = Target(
    "pairing",
    "an invitation or a request is accepted, or PairingRefused",
    read,
    (PairingRefused,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
