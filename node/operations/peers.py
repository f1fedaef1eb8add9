"""Operations on partners: list, show, pause, resume, revoke, remove, refresh, test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.doctor.finding import Diagnosis, in_order
from node.federation.event_leaves import peer_appender
from node.operations.caller import caller
from node.operations.peer_info import PeerInfo, peer_info
from node.operations.registry import NoRequest, Progress, operation

if TYPE_CHECKING:
    from node.federation.peer import State
    from node.node import Node


class NamedPeer(BaseModel, extra="forbid"):
    """The name of a partner."""

    organisation: str


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


@operation("peer.list", role="auditor")
async def list_peers(node: Node, request: NoRequest, progress: Progress) -> PeerList:
    """List the partners of this node."""
    del request, progress
    return PeerList(peers=tuple(peer_info(peer) for peer in node.peers.all()))


@operation("peer.show", role="auditor")
async def show(node: Node, request: NamedPeer, progress: Progress) -> PeerInfo:
    """Show one partner: state, words, keys, documents."""
    del progress
    return peer_info(node.peers.get(request.organisation))


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
    """End a partnership at once; only a new pairing begins it again."""
    del progress
    return await _change(node, request.organisation, "revoked")


@operation("peer.remove")
async def remove(node: Node, request: NamedPeer, progress: Progress) -> PeerInfo:
    """Forget a partner, or who asked to become one; returns what was known of it."""
    del progress
    append = peer_appender(node.log, node.clock, caller())
    return peer_info(await node.peers.remove(request.organisation, node.clock(), append))


@operation("peer.refresh")
async def refresh(node: Node, request: NamedPeer, progress: Progress) -> PeerRefreshed:
    """Fetch a partner's root document and card now."""
    del progress
    node.peers.active(request.organisation)
    outcome = await node.refresher.refresh(request.organisation)
    info = peer_info(node.peers.get(request.organisation))
    return PeerRefreshed(**info.model_dump(), problem=outcome.problem)


@operation("peer.approve-log")
async def approve_log(node: Node, request: NamedPeer, progress: Progress) -> PeerLog:
    """Accept the audit log that a partner has opened after a loss."""
    del progress
    known = node.peers.get(request.organisation)
    before = known.log_origin
    seen = node.log.seen(known.organisation, known.record.pinned, before)
    append = peer_appender(node.log, node.clock, caller())
    peer = await node.peers.approve_log(request.organisation, node.clock(), append)
    return PeerLog(
        organisation=peer.organisation,
        before=before,
        now=peer.log_origin,
        seen=seen.size if seen else 0,
    )


@operation("peer.test")
async def test(node: Node, request: NamedPeer, progress: Progress) -> Diagnosis:
    """Check everything between this node and one partner."""
    del progress
    from node.doctor.partner import CHECKS, check_partner

    node.peers.get(request.organisation)
    findings = [finding async for finding in check_partner(node, request.organisation)]
    return Diagnosis(findings=in_order(findings), checked=CHECKS)


async def _change(node: Node, organisation: str, state: State) -> PeerInfo:
    append = peer_appender(node.log, node.clock, caller())
    return peer_info(await node.peers.change_state(organisation, state, node.clock(), append))
