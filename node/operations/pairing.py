"""Operations of pairing: invite, request, receive, approve, and the list of invitations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field

from node.federation.event_leaves import peer_appender
from node.operations.caller import caller
from node.operations.peer_info import PeerInfo, peer_info
from node.operations.registry import NoRequest, Progress, operation
from protocol.limits import INVITATION_LIFETIME_S, MAX_PAIRING_BYTES
from protocol.notation import Organisation

if TYPE_CHECKING:
    from node.federation.allowed_way import Allowed
    from node.federation.invitations import Invited
    from node.federation.peers import AppendLeaf
    from node.node import Node

DEFAULT_VALID_S = 3 * 86_400


class Way(BaseModel, extra="forbid"):
    """What a person permits of the way to the partner.

    `allow_private` permits addresses in private ranges, `allow_plaintext` http beyond loopback;
    `ca_file` names the authorities (PEM) that may certify this partner alone.
    """

    allow_private: bool = False
    allow_plaintext: bool = False
    ca_file: Path | None = None


class Invite(Way):
    """For whom (None: whoever holds it), and for how long (seconds)."""

    organisation: Organisation | None = None
    valid_s: Annotated[int, Field(ge=60, le=INVITATION_LIFETIME_S)] = DEFAULT_VALID_S


class InvitationInfo(BaseModel):
    """An invitation as the inviter keeps it; times are epoch seconds UTC.

    `outcome` says what its use led to: `received` (a pending partner), `name-taken` (refused, a
    partner has the name that `used_by` claimed), `failed` (it could not be written down).
    """

    id: str
    state: Literal["open", "used", "expired"]
    organisation: str | None
    made_at: int
    made_by: str
    expires: int
    used_by: str | None
    used_at: int | None
    outcome: Literal["received", "name-taken", "failed"] | None


class NewInvitation(InvitationInfo):
    """A new invitation: `text` is one line, `file` also carries root document and card."""

    text: str
    file: str
    url: str | None


class InvitationList(BaseModel):
    """The invitations that are kept, the newest first."""

    invitations: tuple[InvitationInfo, ...]


class NamedInvitation(BaseModel, extra="forbid"):
    """The id of an invitation, as `invitations` shows it."""

    id: str


class RequestPairing(Way):
    """An invitation (its line or its file's content), and whether to send the answer now."""

    invitation: Annotated[str, Field(max_length=MAX_PAIRING_BYTES)]
    send: bool = True


class PairingRequested(PeerInfo):
    """The pending partner; `request` is what was sent, or is to be sent by mail."""

    request: str


class ReceivedRequest(BaseModel, extra="forbid"):
    """The content of a request file."""

    request: Annotated[str, Field(max_length=MAX_PAIRING_BYTES)]


class Approve(BaseModel, extra="forbid"):
    """A pending partner, and the six words that its admin read out."""

    organisation: str
    words: str


@operation("pairing.invite")
async def invite(node: Node, request: Invite, progress: Progress) -> NewInvitation:
    """Make an invitation to a pairing: good once, and for a time."""
    del progress
    made = node.pairing.invite(request.organisation, request.valid_s, _allowed(request), caller())
    info = _info(made.invited, node.clock())
    return NewInvitation(
        **info.model_dump(), text=made.text, file=made.file.decode(), url=node.identity.root.url
    )


@operation("pairing.invitations", role="auditor")
async def invitations(node: Node, request: NoRequest, progress: Progress) -> InvitationList:
    """List invitations, and what became of them."""
    del request, progress
    at = node.clock()
    return InvitationList(
        invitations=tuple(_info(each, at) for each in node.pairing.invitations.all())
    )


@operation("pairing.uninvite")
async def uninvite(node: Node, request: NamedInvitation, progress: Progress) -> InvitationInfo:
    """Withdraw an invitation."""
    del progress
    return _info(node.pairing.invitations.withdraw(request.id), node.clock())


@operation("pairing.request")
async def request_pairing(
    node: Node, request: RequestPairing, progress: Progress
) -> PairingRequested:
    """Answer an invitation; the partner is pending until both sides have approved."""
    del progress
    from protocol.invitation import read_invitation

    invited = read_invitation(request.invitation)
    peer, raw = await node.pairing.request(
        invited, _allowed(request), _append(node), send=request.send
    )
    return PairingRequested(**peer_info(peer).model_dump(), request=raw.decode())


@operation("pairing.receive")
async def receive(node: Node, request: ReceivedRequest, progress: Progress) -> PeerInfo:
    """Take a request that came by mail; the partner is pending until both sides have approved."""
    del progress
    return peer_info(await node.pairing.receive(request.request.encode(), _append(node)))


@operation("pairing.approve")
async def approve(node: Node, request: Approve, progress: Progress) -> PeerInfo:
    """Make a pending partner active, by the six words that its admin read out."""
    del progress
    peer = await node.peers.approve(
        request.organisation, request.words, node.clock(), _append(node)
    )
    return peer_info(peer)


def _append(node: Node) -> AppendLeaf:
    return peer_appender(node.log, node.clock, caller())


def _allowed(way: Way) -> Allowed:
    from node.federation.allowed_way import Allowed

    return Allowed(way.allow_private, way.allow_plaintext, way.ca_file)


def _info(invited: Invited, at: int) -> InvitationInfo:
    use = invited.use
    return InvitationInfo(
        id=invited.id,
        state="used" if use else "open" if invited.is_open(at) else "expired",
        organisation=invited.organisation,
        made_at=invited.made_at,
        made_by=invited.made_by,
        expires=invited.expires,
        used_by=use.organisation if use else None,
        used_at=use.at if use else None,
        outcome=use.outcome if use else None,
    )
