"""What partners offer, remembered for a minute so that not every question asks for it first."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from node.federation.exchange import Exchanger
from node.federation.peer import Peer
from protocol.accept_answer import AuthenticatedProblem
from protocol.messages import Denial, Offer, Offers, Problem

KEPT_S = 60.0
"""How long a partner's offers are used before they are asked for again (seconds)."""


class OffersRefused(Exception):
    """The partner answered a request for offers with a problem, signed by it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


@dataclass(frozen=True)
class _Kept:
    offers: tuple[Offer, ...]
    at: float


class PartnerOffers:
    """Offers of all partners; questions that need the same partner's share one request."""

    def __init__(self, exchanger: Exchanger, seconds: Callable[[], float] = time.monotonic) -> None:
        self._exchanger = exchanger
        self._seconds = seconds
        self._kept: dict[str, _Kept] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def of(self, peer: Peer, deadline_s: float, *, fresh: bool = False) -> tuple[Offer, ...]:
        """Return the partner's offers, asked for now where `fresh` or where none are kept.

        Raises OffersRefused, or what `Exchanger.offers` raises.
        """
        began = self._seconds()
        async with self._asking.setdefault(peer.organisation, asyncio.Lock()):
            kept = self._kept.get(peer.organisation)
            if kept is not None and (kept.at >= began or not (fresh or self._old(kept))):
                return kept.offers
            offers = await self._ask(peer, deadline_s - (self._seconds() - began))
            self._kept[peer.organisation] = _Kept(offers, self._seconds())
            return offers

    def known(self, organisation: str) -> tuple[Offer, ...] | None:
        """Return what the partner offered when it was asked last, however long ago; or None."""
        kept = self._kept.get(organisation)
        return None if kept is None else kept.offers

    def forget(self, organisation: str) -> None:
        """Ask anew next time: the partner has just said something that does not fit."""
        self._kept.pop(organisation, None)

    async def _ask(self, peer: Peer, deadline_s: float) -> tuple[Offer, ...]:
        said = await self._exchanger.offers(peer, deadline_s)
        if isinstance(said, AuthenticatedProblem):
            raise OffersRefused(said.problem)
        if isinstance(said.payload, Denial):
            raise OffersRefused(said.payload.problem)
        if not isinstance(said.payload, Offers):
            raise TypeError("acceptance gives an answer of its endpoint's kind")
        return said.payload.offers

    def _old(self, kept: _Kept) -> bool:
        return self._seconds() - kept.at > KEPT_S
