"""Which partners' collections are open to this node, asked of them by signed request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from node.federation.ask import MAX_DEADLINE_S, SiloState
from node.operations.registry import Progress, operation
from protocol.messages import Offer

if TYPE_CHECKING:
    from node.node import Node


class ListPartners(BaseModel, extra="forbid"):
    """The partners to ask; none named means all active ones."""

    peers: tuple[str, ...] = ()
    deadline_s: Annotated[float, Field(gt=0, le=MAX_DEADLINE_S)] | None = None


class PartnerInfo(BaseModel):
    """One partner's offers, or why they are not known."""

    organisation: str
    state: SiloState
    code: str | None
    detail: str | None
    offers: tuple[Offer, ...]


class Partners(BaseModel):
    """What every partner that was asked offers."""

    partners: tuple[PartnerInfo, ...]


@operation("partners", role="asker")
async def partners(node: Node, request: ListPartners, progress: Progress) -> Partners:
    """Ask partners which of their collections are open to this node, and on what terms."""
    del progress
    offered = await node.asker.offers(request.peers, request.deadline_s)
    return Partners(
        partners=tuple(
            PartnerInfo(
                organisation=each.organisation,
                state=each.state,
                code=each.code,
                detail=each.detail,
                offers=each.offers,
            )
            for each in offered
        )
    )
