"""Operations on partners: add, list, pause, resume, revoke, refresh, and the own bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, model_validator

from node.federation.event_leaves import peer_appender
from node.operations.caller import caller
from node.operations.registry import NoRequest, Progress, operation

if TYPE_CHECKING:
    from node.federation.peer import Peer, State
    from node.node import Node


class AddPeer(BaseModel, extra="forbid"):
    """A partner's bundle (or the URL of its node) and the words that its admin read out.

    `allow_private` permits addresses in private ranges, `allow_plaintext` http beyond loopback;
    `ca_file` names the authorities (PEM) that may certify this partner alone.
    """

    bundle: str | None = None
    url: str | None = None
    words: str
    allow_private: bool = False
    allow_plaintext: bool = False
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> AddPeer:
        if (self.bundle is None) == (self.url is None):
            raise ValueError("give either the partner's bundle or the URL of its node")
        return self


class NamedPeer(BaseModel, extra="forbid"):
    """The name of a partner."""

    organisation: str


class PeerInfo(BaseModel):
    """A partner as this node knows it; times are epoch seconds UTC.

    `url` is None for a partner that only asks.
    """

    organisation: str
    state: Literal["pending", "active", "paused", "revoked"]
    url: str | None
    fingerprint: str
    root_version: int
    root_expires: int
    card_serial: int
    card_expires: int
    spaces: tuple[str, ...]
    added_at: int
    changed_at: int


class PeerList(BaseModel):
    """Every partner, by name."""

    peers: tuple[PeerInfo, ...]


class PeerLog(BaseModel):
    """Which audit log of a partner is accepted: the one before, and the one now.

    They are the same if nothing was to be approved. `seen` counts the leaves of the one before.
    """

    organisation: str
    before: str
    now: str
    seen: int


class PeerRefreshed(PeerInfo):
    """A partner after its documents were fetched; `problem` says why they could not be."""

    problem: str | None


class OwnBundle(BaseModel):
    """What a partner's admin needs: the bundle as text, and the words to read out."""

    organisation: str
    bundle: str
    fingerprint: str


@operation("peer.add")
async def add(node: Node, request: AddPeer, progress: Progress) -> PeerInfo:
    """Add a partner whose root key has the words that its admin read out."""
    del progress
    from node.federation.bundle import judge, read_bundle
    from node.federation.client import Transport, reach_of_url
    from node.federation.errors import BundleInvalid

    at = node.clock()
    if request.bundle is not None:
        root_raw, card_raw = read_bundle(request.bundle.encode())
    else:
        root_raw, card_raw = await _fetch(node, request)
    pinned, root, _ = judge(root_raw, card_raw, request.words, at)
    if root.organisation == node.settings.organisation:
        raise BundleInvalid(
            "This is this node's own bundle.", fix="Use the one that the partner gave you."
        )
    transport = Transport(
        reach_of_url(root.url or ""),
        request.allow_private,
        request.allow_plaintext,
        request.ca_file,
    )
    append = peer_appender(node.log, node.clock, caller())
    return _info(await node.peers.add(pinned, root_raw, card_raw, transport, at, append))


@operation("peer.list", role="auditor")
async def list_peers(node: Node, request: NoRequest, progress: Progress) -> PeerList:
    """List the partners of this node."""
    del request, progress
    return PeerList(peers=tuple(_info(peer) for peer in node.peers.all()))


@operation("peer.pause")
async def pause(node: Node, request: NamedPeer, progress: Progress) -> PeerInfo:
    """Answer a partner nothing until it is resumed."""
    del progress
    return await _change(node, request.organisation, "paused")


@operation("peer.resume")
async def resume(node: Node, request: NamedPeer, progress: Progress) -> PeerInfo:
    """End a partner's pause."""
    del progress
    return await _change(node, request.organisation, "active")


@operation("peer.revoke")
async def revoke(node: Node, request: NamedPeer, progress: Progress) -> PeerInfo:
    """End a partnership at once; only adding the partner anew begins it again."""
    del progress
    return await _change(node, request.organisation, "revoked")


@operation("peer.refresh")
async def refresh(node: Node, request: NamedPeer, progress: Progress) -> PeerRefreshed:
    """Fetch a partner's root document and card now."""
    del progress
    node.peers.active(request.organisation)
    outcome = await node.refresher.refresh(request.organisation)
    info = _info(node.peers.get(request.organisation))
    return PeerRefreshed(**info.model_dump(), problem=outcome.problem)


@operation("peer.approve-log")
async def approve_log(node: Node, request: NamedPeer, progress: Progress) -> PeerLog:
    """Accept the audit log that a partner has opened after a loss."""
    del progress
    before = node.peers.get(request.organisation).log_origin
    seen = node.log.seen(before)
    append = peer_appender(node.log, node.clock, caller())
    peer = await node.peers.approve_log(request.organisation, node.clock(), append)
    return PeerLog(
        organisation=peer.organisation,
        before=before,
        now=peer.log_origin,
        seen=seen.size if seen else 0,
    )


@operation("peer.card", role="auditor")
async def card(node: Node, request: NoRequest, progress: Progress) -> OwnBundle:
    """Give the own root document and card as a bundle for a partner's admin."""
    del request, progress
    from keys.words import fingerprint
    from node.federation.bundle import write_bundle

    identity = node.identity
    return OwnBundle(
        organisation=identity.organisation,
        bundle=write_bundle(identity.root_raw, node.card.raw),
        fingerprint=" ".join(fingerprint(identity.root.roots[0].record.public)),
    )


async def _fetch(node: Node, request: AddPeer) -> tuple[bytes, bytes]:
    from node.federation.client import Transport, reach_of_url
    from node.federation.refresh import CARD_PATH, ROOT_PATH, fetch_document

    url = (request.url or "").rstrip("/")
    transport = Transport(
        reach_of_url(url), request.allow_private, request.allow_plaintext, request.ca_file
    )
    root = await fetch_document(node.client, url + ROOT_PATH, transport)
    return root, await fetch_document(node.client, url + CARD_PATH, transport)


async def _change(node: Node, organisation: str, state: State) -> PeerInfo:
    append = peer_appender(node.log, node.clock, caller())
    return _info(await node.peers.change_state(organisation, state, node.clock(), append))


def _info(peer: Peer) -> PeerInfo:
    from keys.words import fingerprint

    pinned = next(
        (key for key in peer.root.roots if key.kid == peer.record.pinned), peer.root.roots[0]
    )
    return PeerInfo(
        organisation=peer.organisation,
        state=peer.state,
        url=peer.card.url,
        fingerprint=" ".join(fingerprint(pinned.record.public)),
        root_version=peer.root.version,
        root_expires=peer.root.expires,
        card_serial=peer.card.serial,
        card_expires=peer.card.expires,
        spaces=tuple(peer.card.by_space),
        added_at=peer.record.added_at,
        changed_at=peer.record.changed_at,
    )
