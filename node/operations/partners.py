"""Which partners' collections are open to this node, asked of them by signed request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from node.federation.ask import MAX_DEADLINE_S, SiloState
from node.federation.reach import Reach, reach
from node.operations.registry import Progress, operation
from protocol.messages import Offer

if TYPE_CHECKING:
    from node.federation.asker import PartnerOffered
    from node.node import Node


class ListPartners(BaseModel, extra="forbid"):
    """The partners to ask; none named means all active ones."""

    peers: tuple[str, ...] = ()
    deadline_s: Annotated[float, Field(gt=0, le=MAX_DEADLINE_S)] | None = None


class PartnerInfo(BaseModel):
    """One partner's offers, or why they are not known.

    `reached` says by collection how each own encoder reaches it.
    """

    organisation: str
    state: SiloState
    code: str | None
    detail: str | None
    offers: tuple[Offer, ...]
    reached: dict[str, tuple[Reach, ...]] = {}


class Partners(BaseModel):
    """What every partner that was asked offers."""

    partners: tuple[PartnerInfo, ...]


@operation("partners", role="asker")
async def partners(node: Node, request: ListPartners, progress: Progress) -> Partners:
    """Ask partners which of their collections are open to this node, and on what terms."""
    del progress
    offered = await node.asker.offers(request.peers, request.deadline_s)
    return Partners(partners=tuple([await _info(node, each) for each in offered]))


async def _info(node: Node, partner: PartnerOffered) -> PartnerInfo:
    return PartnerInfo(
        organisation=partner.organisation,
        state=partner.state,
        code=partner.code,
        detail=partner.detail,
        offers=partner.offers,
        reached={o.collection: await _reached(node, partner, o) for o in partner.offers},
    )


async def _reached(node: Node, partner: PartnerOffered, offer: Offer) -> tuple[Reach, ...]:
    """How each own encoder reaches a collection, by the card that is held."""
    if not offer.spaces:
        return ()
    card = node.peers.get(partner.organisation).card
    return tuple(
        [
            await reach(encoder, card, offer.spaces[0], node.routes)
            for encoder in node.encoders.all()
        ]
    )
