"""Pairing, both sides of it: inviting, asking to be paired, and what comes of a request.

The rules of this file: nothing here makes a partner active (`PeerBook.approve` does, by the words
that a person was told); nobody comes in the inviter's own name; whoever answers an invitation of a
node that is reached from elsewhere cannot send it to loopback, unless a person permits that; an
invitation is used up before the pending partner is written; a stranger who holds an invitation is
not told whether a partner of a name exists.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from keys.signer import Signer
from node.clock import Clock
from node.federation.allowed_way import Allowed
from node.federation.client import Client, reach_of_url
from node.federation.deliver_request import deliver
from node.federation.errors import OwnInvitation, PairingFailed, PeerExists, TooManyPairings
from node.federation.invitations import InvitationBook, Invited, Use
from node.federation.peer import Peer
from node.federation.peers import AppendLeaf, PeerBook
from node.federation.pending_peer import pending
from node.federation.refresh import CARD_PATH, ROOT_PATH, fetch_document
from node.federation.transport import Transport
from protocol import invitation as wire
from protocol.card import Card
from protocol.invitation import Invitation, PairingRefused
from protocol.notation import to_base64url
from protocol.pairing import (
    PairingRequest,
    ReadRequest,
    accept_documents,
    accept_request,
    pin_of,
    read_request,
    request_words,
    write_request,
)
from protocol.root import RootDocument

MAX_PENDING = 32
"""Partners that may wait for approval at once."""

NONCE_BYTES = 16

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Documents:
    """The own root document and card, each with its signed envelope."""

    root: RootDocument
    root_raw: bytes
    card: Card
    card_raw: bytes


@dataclass(frozen=True)
class PairingRooms:
    """What pairing works with; `documents` gives the current ones, `signer` the sign key."""

    organisation: str
    documents: Callable[[], Documents]
    signer: Callable[[], Signer]
    peers: PeerBook
    invitations: InvitationBook
    client: Client
    clock: Clock


@dataclass(frozen=True)
class Made:
    """A new invitation: how it is kept, and its two forms."""

    invited: Invited
    text: str
    file: bytes


class Pairing:
    """Invitations and requests of one node; one request is worked on at a time."""

    def __init__(self, rooms: PairingRooms) -> None:
        self._rooms = rooms
        self._one_at_a_time = asyncio.Lock()

    @property
    def invitations(self) -> InvitationBook:
        """What was invited, and what became of it."""
        return self._rooms.invitations

    def invite(self, organisation: str | None, valid_s: int, allowed: Allowed, by: str) -> Made:
        """Make an invitation for `organisation`, or for whoever holds it.

        Raises TooManyPairings, or PeerExists where such a partner is here already.
        """
        rooms, at = self._rooms, self._rooms.clock()
        if organisation == rooms.organisation:
            raise OwnInvitation("A node does not pair with itself.")
        if organisation is not None:
            rooms.peers.require_free(organisation)
        documents = rooms.documents()
        invitation = Invitation(
            organisation=rooms.organisation,
            url=documents.root.url,
            root=pin_of(documents.root_raw),
            nonce=_nonce(),
            expires=at + valid_s,
        )
        invited = Invited(
            lookup=invitation.lookup,
            root=invitation.root,
            organisation=organisation,
            made_at=at,
            made_by=by,
            expires=invitation.expires,
            allow_private=allowed.private,
            allow_plaintext=allowed.plaintext,
            ca_file=allowed.ca_file,
        )
        rooms.invitations.add(invited, at)
        file = wire.write_invitation_file(invitation, documents.root_raw, documents.card_raw)
        return Made(invited, invitation.encode(), file)

    async def request(
        self, invited: wire.Invited, allowed: Allowed, append: AppendLeaf, *, send: bool
    ) -> tuple[Peer, bytes]:
        """Answer an invitation: send the request, or return it for the mail.

        Returns the pending partner and the request's bytes. Raises PairingRefused, PeerExists,
        OwnInvitation, TransportError, PairingFailed.
        """
        rooms, invitation, at = self._rooms, invited.invitation, self._rooms.clock()
        if invitation.organisation == rooms.organisation:
            raise OwnInvitation("This is an invitation of this node itself.")
        if at >= invitation.expires:
            raise PairingRefused("invitation-expired", "The invitation has expired.")
        rooms.peers.require_free(invitation.organisation)
        own_url = rooms.documents().root.url
        beside = own_url is None or reach_of_url(own_url) == "loopback"
        transport = allowed.transport(invitation.url, beside=beside)
        root_raw, card_raw = await self._documents_of(invited, transport)
        theirs = accept_documents(root_raw, card_raw, invitation.root, invitation.organisation, at)
        request, raw = self._written(invitation)
        words = await asyncio.to_thread(request_words, request)
        if send:
            await deliver(rooms.client, _url_of(invitation), transport, raw)
        record = pending(theirs, invitation.root, root_raw, card_raw, transport, words, at)
        return await rooms.peers.add(record, append), raw

    async def receive(self, raw: bytes, append: AppendLeaf) -> Peer:
        """Take a request that came by mail; returns the pending partner.

        Raises PairingRefused, PeerExists, TooManyPairings.
        """
        return await self._redeem(read_request(raw), append)

    async def answer(self, raw: bytes, append: AppendLeaf) -> None:
        """Take a request from the network, where only its reasons may be told to a stranger.

        Raises PairingRefused, TooManyPairings. The same request again is no error, nor is a name
        that a partner has: the admin is told.
        """
        read = read_request(raw)
        if self._rooms.invitations.answered(read.lookup, read.digest) is not None:
            return
        try:
            peer = await self._redeem(read, append)
            _log.info("pairing request received", peer=peer.organisation)
        except PeerExists:
            _log.warning(
                "pairing request refused: a partner has that name", peer=read.request.organisation
            )

    async def _redeem(self, read: ReadRequest, append: AppendLeaf) -> Peer:
        rooms, request = self._rooms, read.request
        async with self._one_at_a_time:
            at = rooms.clock()
            invited = rooms.invitations.check(read.lookup, request.organisation, at)
            if (request.to, request.inviter) != (rooms.organisation, invited.root):
                raise PairingRefused(
                    "invitation-for-another", "The request is addressed to another inviter."
                )
            if request.organisation == rooms.organisation:
                raise PairingRefused(
                    "invitation-for-another", "The request is in the inviter's own name."
                )
            theirs = accept_request(read, at)
            if len([p for p in rooms.peers.all() if p.state == "pending"]) >= MAX_PENDING:
                raise TooManyPairings(f"{MAX_PENDING} partners wait for approval already.")
            words = await asyncio.to_thread(request_words, request)
            allowed = Allowed(invited.allow_private, invited.allow_plaintext, invited.ca_file)
            own_url = rooms.documents().root.url
            beside = own_url is not None and reach_of_url(own_url) == "loopback"
            transport = allowed.transport(theirs[0].url, beside=beside)
            record = pending(theirs, request.root, read.root, read.card, transport, words, at)
            use = Use(
                request=read.digest,
                organisation=request.organisation,
                root=request.root,
                at=at,
                outcome="failed",
            )
            rooms.invitations.use(read.lookup, use)
            try:
                peer = await rooms.peers.add(record, append)
            except PeerExists:
                taken = use.model_copy(update={"outcome": "name-taken"})
                rooms.invitations.use(read.lookup, taken)
                raise
            rooms.invitations.use(read.lookup, use.model_copy(update={"outcome": "received"}))
            return peer

    async def _documents_of(
        self, invited: wire.Invited, transport: Transport
    ) -> tuple[bytes, bytes]:
        if invited.root is not None and invited.card is not None:
            return invited.root, invited.card
        client, url = self._rooms.client, _url_of(invited.invitation)
        root = await fetch_document(client, url + ROOT_PATH, transport)
        return root, await fetch_document(client, url + CARD_PATH, transport)

    def _written(self, invitation: Invitation) -> tuple[PairingRequest, bytes]:
        """A new request, and how it is sent."""
        rooms, documents = self._rooms, self._rooms.documents()
        request = PairingRequest(
            organisation=rooms.organisation,
            root=pin_of(documents.root_raw),
            nonce=_nonce(),
            to=invitation.organisation,
            inviter=invitation.root,
            invitation=invitation.nonce,
            root_document=documents.root.digest,
            card=documents.card.digest,
        )
        return request, write_request(
            request, rooms.signer(), documents.root_raw, documents.card_raw
        )


def _url_of(invitation: Invitation) -> str:
    if invitation.url is None:
        raise PairingFailed(
            f"{invitation.organisation} only asks: its node cannot be reached.",
            fix="Ask its admin for the invitation as a file (`interlingua peer invite --output "
            "FILE`), and send the request back by mail (`interlingua peer request --output FILE`).",
        )
    return invitation.url


def _nonce() -> str:
    return to_base64url(secrets.token_bytes(NONCE_BYTES))
