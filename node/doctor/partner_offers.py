"""Checks of what a partner opens to this node, and whether the own models reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

from node.doctor.finding import Finding, note, problem, warning
from node.federation.reach import Reach, reach
from node.federation.unverifiable import SKEW_FIX

if TYPE_CHECKING:
    from node.federation.asker import PartnerOffered
    from node.federation.peer import Peer
    from node.node import Node
    from protocol.messages import Offer


async def check_offers(node: Node, peer: Peer) -> AsyncIterator[Finding]:
    """The partner recognises this node's signature, opens something to it, and can be asked."""
    name = peer.organisation
    (offered,) = await node.asker.offers((name,), None)
    if offered.state != "ok":
        yield _refused(offered)
        return
    if not offered.offers:
        yield warning(
            "no-offers",
            f"{name} opens no collection to this node.",
            f"Ask the admin of {name} for a grant.",
        )
    used_up = [offer.collection for offer in offered.offers if offer.queries_left == 0]
    if used_up:
        yield warning(
            "budget-used",
            f"The questions of today to {', '.join(used_up)} of {name} are used up.",
            "Wait for the next day (UTC), or ask its admin for a larger budget.",
        )
    async for finding in _routes(node, peer, offered.offers):
        yield finding


def _refused(offered: PartnerOffered) -> Finding:
    name, detail = offered.organisation, f": {offered.detail}" if offered.detail else ""
    if offered.state == "denied" and offered.code == "peer-inactive":
        return problem(
            "paused-there", f"{name} has paused this node.", f"Ask the admin of {name} why."
        )
    if offered.code == "clock-skew":
        cause = (offered.detail or "").removesuffix(SKEW_FIX).rstrip()
        return problem("clock-skew", cause, SKEW_FIX)
    if offered.state == "unverifiable":
        return problem(
            "not-recognised",
            f"{name} does not answer this node as a partner{detail}.",
            f"Ask the admin of {name} whether it has approved this node (interlingua peer approve) "
            "and not removed it, and compare the clocks.",
        )
    return problem(
        f"offers-{offered.state}",
        f"{name} did not say what it opens to this node{detail}.",
        f"Try again; then ask the admin of {name} to run `interlingua doctor`.",
    )


async def _routes(node: Node, peer: Peer, offers: Sequence[Offer]) -> AsyncIterator[Finding]:
    encoders = node.encoders.all()
    if not encoders:
        yield warning(
            "no-encoder",
            "This node has no encoder, so it cannot ask.",
            "interlingua encoder add NAME",
        )
        return
    for offer in offers:
        for into in offer.spaces[:1]:
            found = [await reach(each, peer.card, into, node.routes) for each in encoders]
            for one in found:
                for finding in _reached(peer.organisation, offer.collection, one):
                    yield finding


def _reached(partner: str, collection: str, found: Reach) -> Iterator[Finding]:
    """A warning where an encoder does not reach the collection, a note where it is by a map."""
    if found.verdict == "incompatible":
        why = "; ".join(found.reasons)
        yield warning(
            "no-route",
            f"The encoder {found.encoder} does not reach {collection} of {partner}: "
            f"incompatible ({why}).",
            found.fix or "Join a shared space with it (interlingua space join).",
        )
    elif found.verdict == "adaptable":
        yield note(
            "adaptable",
            f"The encoder {found.encoder} reaches {collection} of {partner}: {found.in_words()}.",
            "interlingua space show says what was measured.",
        )
