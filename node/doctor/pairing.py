"""Checks of pairings that wait for people, and of requests that were refused and must be known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from node.doctor.finding import Finding, problem, warning
from node.federation.errors import InvitationsDamaged

if TYPE_CHECKING:
    from node.node import Node

TOLD_S = 30 * 86_400
"""For how long a refused claim to a partner's name is told (seconds)."""


def check_pairings(node: Node) -> Iterator[Finding]:
    """Pending partners, and names that were claimed a second time."""
    for peer in node.peers.all():
        if peer.state == "pending":
            yield warning(
                "peer-pending",
                f"{peer.organisation} waits for approval by the words: {peer.record.words}.",
                f"Compare them with its admin: interlingua peer approve {peer.organisation} "
                f'--words "..."; or interlingua peer remove {peer.organisation}',
            )
    try:
        invitations = node.pairing.invitations.all()
    except InvitationsDamaged as error:
        yield problem(error.code, f"{error}", error.fix)
        return
    since = node.clock() - TOLD_S
    for invited in invitations:
        use = invited.use
        if use is not None and use.outcome == "name-taken" and use.at > since:
            yield warning(
                "name-claimed",
                f"Invitation {invited.id} was answered in the name of {use.organisation}, which is "
                f"a partner already; it was refused. Its root key was {use.root}.",
                "Ask whom you invited. If the partner began anew: interlingua peer remove "
                f"{use.organisation}, then a new invitation.",
            )
