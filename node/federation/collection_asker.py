"""Asking one collection of a partner: plan, map, sign, exchange, read.

The rule of this file: a question goes by the card that is held, within what the card takes. Where
that card has no way, or the partner refuses what a newer card may cure, the card is fetched anew
and the question asked once more; never a third time.
"""

from typing import Any

from node.federation.actors import Actors
from node.federation.asking import Carried, QuestionUnderWay
from node.federation.errors import BeyondCard
from node.federation.exchange import Asking, Exchanger
from node.federation.partner_offers import PartnerOffers
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.planning import plan_into
from node.federation.readings import Reading, read_answer
from node.federation.refresh import Refresher
from node.federation.routing import NoRoute, Plan, Routes
from node.federation.selection import Target
from node.federation.silo_failures import failure, within
from protocol.card import CardLimits
from protocol.envelope import Adaptation
from protocol.leaf import new_salt
from protocol.limits import MAX_QUERY_BYTES, MAX_RESULTS
from protocol.messages import Query
from protocol.own_values import stated
from protocol.problems import Code
from protocol.truncation import shorten
from protocol.vectors import encode

STALE_CARD = frozenset({Code.SPACE_NOT_ACCEPTED, Code.ROUTE_UNKNOWN})
"""Refusals that a newer card of the partner may cure."""


class CollectionAsker:
    """Asks single collections of partners; one per node."""

    def __init__(
        self,
        peers: PeerBook,
        refresher: Refresher,
        exchanger: Exchanger,
        routes: Routes,
        actors: Actors,
        offers: PartnerOffers,
    ) -> None:
        """`offers` are forgotten of a partner that denies something it offered."""
        self._peers = peers
        self._refresher = refresher
        self._exchanger = exchanger
        self._routes = routes
        self._actors = actors
        self._offers = offers

    async def ask(self, peer: Peer, target: Target, job: QuestionUnderWay) -> Reading:
        """Ask a partner's collection, once more by a newer card where that may help."""
        name = peer.organisation
        try:
            reading = await self._ask_by(peer, target, job)
            if reading is None or reading.status.code in STALE_CARD:
                await within(self._refresher.refresh(name), job.left())
                newer = self._peers.active(name)
                if reading is None or newer.card is not peer.card:
                    reading = await self._ask_once(newer, target, job)
            if reading.status.state == "denied":
                self._offers.forget(name)
            return reading
        except Exception as error:
            state, fields = failure(error)
            if state == "no-route":  # its offers may be older than its card
                self._offers.forget(name)
            return Reading(job.status(name, target.collection, state, **fields))

    async def _ask_by(self, peer: Peer, target: Target, job: QuestionUnderWay) -> Reading | None:
        """Ask by the card that is held; None where it has no route (a newer one may have)."""
        try:
            return await self._ask_once(peer, target, job)
        except NoRoute:
            return None

    async def _ask_once(self, peer: Peer, target: Target, job: QuestionUnderWay) -> Reading:
        """Ask one collection by the best route of the card that is held; raises NoRoute."""
        offer = target.offer
        offered = offer.spaces if offer is not None else ()
        plan = await plan_into(job.encoded.encoder, peer.card, offered, self._routes)
        limits = peer.card.limits
        opener = new_salt()  # never sent: a partner could bring back what was erased here
        query = self._query(target, plan, job, limits, opener)
        if (
            limits.max_query_bytes < MAX_QUERY_BYTES
            and len(query.encode()) > limits.max_query_bytes
        ):
            raise BeyondCard(f"it takes questions of at most {limits.max_query_bytes} bytes")
        said = await self._exchanger.ask(
            peer,
            Asking(query, plan.own_adapter, opener, _judged(job), job.arrivals),
            job.left(),
        )
        status = job.status(peer.organisation, target.collection, "ok")
        return read_answer(said, plan, job.encoded.envelope.space_id, status)

    def _query(
        self, target: Target, plan: Plan, job: QuestionUnderWay, limits: CardLimits, opener: str
    ) -> Query:
        request, asked = job.request, len(job.encoded.vectors)
        if asked > limits.max_batch:
            raise BeyondCard(f"it takes {limits.max_batch} vectors at once, not {asked}")
        carried = _carried(plan, job)
        envelope = carried.envelope
        k = min(request.k, limits.max_k, target.offer.max_k if target.offer else request.k)
        if asked * k > MAX_RESULTS:
            raise BeyondCard(f"{asked} vectors times {k} exceed {MAX_RESULTS}; split the batch")
        fields: dict[str, Any] = {
            "id": new_salt(),
            "salt": new_salt(),
            "collection": target.collection,
            "purpose": request.purpose,
            "k": k,
            "granularity": request.granularity,
            "actor": self._actors.commitment(opener, job.actor),
            "agreement": request.agreement,
            "space": envelope.space_id,
            "envelope": envelope,
            "route": plan.route,
            "filter": request.filter,
            "commitment_key": job.commitment_key,
            "vectors": carried.vectors,
        }
        # a collection that was not offered has only been named; all else was judged before
        return Query(**fields) if target.offer is None else stated(Query, **fields)


def _carried(plan: Plan, job: QuestionUnderWay) -> Carried:
    """The question as the plan sends it, made once for all who are asked by the same way."""
    way = (plan.envelope.space_id, plan.own_adapter, plan.cut)
    kept = job.carried.get(way)
    if kept is None or kept.planned != plan.envelope:  # cards may describe one space otherwise
        kept = job.carried[way] = _carry(plan, job)
    return kept


def _carry(plan: Plan, job: QuestionUnderWay) -> Carried:
    own = job.encoded
    envelope, vectors = plan.envelope.describing(role="query"), own.vectors
    if plan.cut:
        vectors = shorten(vectors, envelope)
        job.queries[envelope.space_id] = vectors
    if plan.in_map is not None and plan.own_adapter is not None:
        vectors = plan.in_map.apply(vectors)
        source = Adaptation(space=own.envelope.space_id, adapter=plan.own_adapter)
        envelope = envelope.describing(adapted_from=source)
        job.queries[envelope.space_id] = vectors
    return Carried(plan.envelope, envelope, encode(vectors, envelope.dtype))


def _judged(job: QuestionUnderWay) -> tuple[str, ...]:
    """The question's texts, where whoever asks lets them be judged."""
    return job.request.texts if job.request.may_be_judged else ()
