"""Asking partners: one question to many silos, each with its own deadline, merged into one list.

The rule of this file: a partner costs the asker its deadline and a line of status, never more.
Every silo ends in exactly one status; hits come only from answers that verified and are logged.

    text -> own encoder -> per partner: card, offers -> per collection: plan, map, sign, exchange
         -> own collections, scored in the space in which most partners scored -> merge
"""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from node.audit.errors import LogUnavailable
from node.federation.actors import Actors
from node.federation.announcer import Announcer
from node.federation.ask import AskRequest, AskResult, SiloState, SiloStatus
from node.federation.client import DeadlinePassed, TransportError
from node.federation.encode_question import Encoded, encode_question
from node.federation.errors import BeyondCard, CardUnavailable, PeerNotActive
from node.federation.exchange import Asking, Exchanger
from node.federation.merge import SiloRanking, merge
from node.federation.own_silo import OwnQuestion, search_own
from node.federation.partner_offers import OffersRefused, PartnerOffers
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.planning import plan_for
from node.federation.readings import Reading, read_answer, results_of, told
from node.federation.refresh import Refresher
from node.federation.routing import NoRoute, Plan, Routes
from node.federation.selection import (
    Target,
    affordable,
    nothing_chosen,
    own_collections,
    partners_for,
    require_somebody,
    targets,
)
from node.federation.unverifiable import Unverifiable
from protocol.card import CardLimits
from protocol.envelope import Adaptation
from protocol.leaf import new_salt
from protocol.limits import MAX_QUERY_BYTES
from protocol.messages import Offer, Query
from protocol.problems import Code
from protocol.score_kind import ScoreKind
from protocol.truncation import shorten
from protocol.vectors import encode

if TYPE_CHECKING:
    from node.collections.registry import Collections
    from node.encoders.registry import Encoders

T = TypeVar("T")

STALE_CARD = frozenset({Code.SPACE_NOT_ACCEPTED, Code.ROUTE_UNKNOWN})
"""Refusals that a newer card of the partner may cure."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class AskerRooms:
    """What the asker works with."""

    organisation: str
    peers: PeerBook
    refresher: Refresher
    announcer: Announcer
    exchanger: Exchanger
    routes: Routes
    encoders: "Encoders"
    collections: "Collections"
    actors: Actors
    deadline_s: float


@dataclass(frozen=True)
class PartnerOffered:
    """What one partner offers, or why that is not known."""

    organisation: str
    offers: tuple[Offer, ...]
    state: SiloState
    code: str | None = None
    detail: str | None = None


@dataclass
class _Job:
    """One question under way; `queries` collects it in each space in which it was asked.

    All silos commit to contents under one key, so that they compare.
    """

    request: AskRequest
    actor: str
    encoded: Encoded
    deadline_s: float
    began: float
    queries: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    commitment_key: str = field(default_factory=new_salt)

    def left(self) -> float:
        """Seconds that partners still have."""
        return self.began + self.deadline_s - time.monotonic()

    def elapsed_ms(self) -> int:
        """Milliseconds since the question began."""
        return round((time.monotonic() - self.began) * 1000)


class Asker:
    """Asks partners and the own collections; one per node, on its event loop."""

    def __init__(self, rooms: AskerRooms) -> None:
        self._rooms = rooms
        self._offers = PartnerOffers(rooms.exchanger)

    async def ask(self, request: AskRequest, actor: str) -> AskResult:
        """Ask, merge and return everything that came in time.

        `actor` is who asks; partners see a commitment to it. Raises QuestionInvalid, NothingToAsk,
        PeerUnknown or EncoderError before anything is sent; what happens to a silo is its status.
        """
        rooms = self._rooms
        partners = partners_for(request, rooms.organisation, rooms.peers)
        names = [each.name for each in rooms.collections.all()]
        own = own_collections(request, rooms.organisation, names)
        require_somebody(request, partners, own, names)
        encoded = await encode_question(request, rooms.encoders, rooms.collections)
        job = _Job(
            request, actor, encoded, request.deadline_s or rooms.deadline_s, time.monotonic()
        )
        job.queries[encoded.envelope.space_id] = encoded.vectors
        answers = await asyncio.gather(*(self._ask_partner(name, job) for name in partners))
        readings = [reading for answer in answers for reading in answer]
        readings += await self._ask_own(own, job, readings)
        return self._merged(job, readings)

    async def offers(self, names: Sequence[str], deadline_s: float | None) -> list[PartnerOffered]:
        """Ask partners (all active ones where none is named) what they offer, by name."""
        rooms = self._rooms
        for name in names:
            rooms.peers.get(name)
        wanted = names or [p.organisation for p in rooms.peers.all() if p.is_asked]
        until = deadline_s or rooms.deadline_s
        return list(await asyncio.gather(*(self._offered(name, until) for name in sorted(wanted))))

    async def _offered(self, name: str, deadline_s: float) -> PartnerOffered:
        began = time.monotonic()
        try:
            peer = await _within(self._contact(name), deadline_s)
            left = deadline_s - (time.monotonic() - began)
            offers = await _within(self._offers.of(peer, left, fresh=True), left)
            return PartnerOffered(name, offers, "ok")
        except Exception as error:
            state, fields = _failure(error)
            return PartnerOffered(name, (), state, fields.get("code"), fields.get("detail"))

    async def _contact(self, name: str) -> Peer:
        """The partner with a valid card, once it can know this node's keys."""
        peer = await self._rooms.refresher.current(name)
        await self._rooms.announcer.before_asking(name)
        return peer

    async def _ask_partner(self, name: str, job: _Job) -> list[Reading]:
        """One partner: its card, its offers, then its collections, all within the deadline."""
        request = job.request
        try:
            peer = await _within(self._contact(name), job.left())
            offers = await _within(self._offers.of(peer, job.left()), job.left())
            chosen = targets(request, name, offers)
            if not chosen:  # perhaps something was granted a moment ago
                asked = self._offers.of(peer, job.left(), fresh=True)
                offers = await _within(asked, job.left())
                chosen = targets(request, name, offers)
        except Exception as error:
            state, fields = _failure(error)
            return [Reading(self._status(name, None, job, state, **fields))]
        if not chosen:
            detail = nothing_chosen(request, name, offers)
            return [
                Reading(self._status(name, None, job, "denied", code="not-offered", detail=detail))
            ]
        few = affordable(request, chosen)
        readings = await self._ask_collections(peer, few, job)
        if all(reading.status.state == "denied" for reading in readings):
            moved = await self._moved(peer, few, job)
            readings = await self._ask_collections(peer, moved, job) if moved else readings
        if len(few) < len(chosen):
            detail = f"asked {len(few)} of its {len(chosen)} collections; name those you mean"
            status = self._status(name, None, job, "failed", code="too-many", detail=detail)
            readings.append(Reading(status))
        return readings

    async def _ask_collections(
        self, peer: Peer, chosen: Sequence[Target], job: _Job
    ) -> list[Reading]:
        asked = (self._ask_collection(peer, target, job) for target in chosen)
        return list(await asyncio.gather(*asked))

    async def _moved(self, peer: Peer, asked: Sequence[Target], job: _Job) -> list[Target]:
        """What a partner that denied everything offers elsewhere since: it may change its model."""
        known = {target.place for target in asked}
        try:
            fresh = self._offers.of(peer, job.left(), fresh=True)
            offers = await _within(fresh, job.left())
        except Exception as error:
            _failure(error)  # what it has denied stands
            return []
        chosen = affordable(job.request, targets(job.request, peer.organisation, offers))
        return [target for target in chosen if target.offer and target.place not in known]

    async def _ask_collection(self, peer: Peer, target: Target, job: _Job) -> Reading:
        name = peer.organisation
        try:
            reading = await self._ask_by(peer, target, job)
            if reading is None or reading.status.code in STALE_CARD:
                await _within(self._rooms.refresher.refresh(name), job.left())
                newer = self._rooms.peers.active(name)
                if reading is None or newer.card is not peer.card:
                    reading = await self._ask_once(newer, target, job)
            if reading.status.state == "denied":
                self._offers.forget(name)
            return reading
        except Exception as error:
            state, fields = _failure(error)
            return Reading(self._status(name, target.collection, job, state, **fields))

    async def _ask_by(self, peer: Peer, target: Target, job: _Job) -> Reading | None:
        """Ask by the card that is held; None where it has no route (a newer one may have)."""
        try:
            return await self._ask_once(peer, target, job)
        except NoRoute:
            return None

    async def _ask_once(self, peer: Peer, target: Target, job: _Job) -> Reading:
        """Ask one collection by the best route of the card that is held; raises NoRoute."""
        offer = target.offer
        into = offer.spaces[0] if offer is not None and offer.spaces else None
        plan = await plan_for(job.encoded.encoder, peer.card, into, self._rooms.routes)
        limits = peer.card.limits
        query = self._query(target, plan, job, limits)
        if (
            limits.max_query_bytes < MAX_QUERY_BYTES
            and len(query.encode()) > limits.max_query_bytes
        ):
            raise BeyondCard(f"it takes questions of at most {limits.max_query_bytes} bytes")
        said = await self._rooms.exchanger.ask(peer, Asking(query, plan.own_adapter), job.left())
        status = self._status(peer.organisation, target.collection, job, "ok")
        return read_answer(said, plan, job.encoded.envelope.space_id, status)

    def _query(self, target: Target, plan: Plan, job: _Job, limits: CardLimits) -> Query:
        request, own = job.request, job.encoded
        envelope, vectors = plan.envelope.describing(role="query"), own.vectors
        if len(vectors) > limits.max_batch:
            raise BeyondCard(f"it takes {limits.max_batch} vectors at once, not {len(vectors)}")
        if plan.cut:
            vectors = shorten(vectors, envelope)
            job.queries[envelope.space_id] = vectors
        if plan.in_map is not None and plan.own_adapter is not None:
            vectors = plan.in_map.apply(vectors)
            source = Adaptation(space=own.envelope.space_id, adapter=plan.own_adapter)
            envelope = envelope.describing(adapted_from=source)
            job.queries[envelope.space_id] = vectors
        question = new_salt()
        return Query(
            id=question,
            salt=new_salt(),
            collection=target.collection,
            purpose=request.purpose,
            k=min(request.k, limits.max_k, target.offer.max_k if target.offer else request.k),
            granularity=request.granularity,
            actor=self._rooms.actors.commitment(question, job.actor),
            agreement=request.agreement,
            space=envelope.space_id,
            envelope=envelope,
            route=plan.route,
            filter=job.request.filter,
            commitment_key=job.commitment_key,
            vectors=encode(vectors, envelope.dtype),
        )

    async def _ask_own(
        self, names: Sequence[str], job: _Job, readings: Sequence[Reading]
    ) -> list[Reading]:
        """The own collections, scored where most partners scored, so that they compare."""
        scales = Counter(
            (r.score_space, r.score_kind) for r in readings if r.score_space in job.queries
        )
        most = dict[str, ScoreKind | None]()
        for (space, kind), _ in scales.most_common():
            most.setdefault(space or "", kind)
        queries = {space: job.queries[space] for space in most if space}
        own = job.encoded.envelope.space_id
        queries.setdefault(own, job.encoded.vectors)
        question = OwnQuestion(
            self._rooms.organisation,
            queries,
            own,
            job.request.k,
            job.request.filter,
            frozenset(space for space, kind in most.items() if kind is None),
            job.commitment_key,
        )
        found = await asyncio.gather(
            *(
                search_own(question, self._rooms.collections.get(name), self._rooms.routes)
                for name in names
            )
        )
        return [Reading(status, rankings) for status, rankings in found]

    def _merged(self, job: _Job, readings: Sequence[Reading]) -> AskResult:
        seed = secrets.token_bytes(16)
        lists = []
        for number in range(len(job.encoded.vectors)):
            silos = [r for r in readings if r.rankings]
            rankings: list[SiloRanking] = [r.rankings[number] for r in silos]
            merged = merge(rankings, job.request.k, seed)
            lists.append(results_of(merged, rankings, silos, self._external_id))
        return AskResult(
            question=new_salt(),
            purpose=job.request.purpose,
            space=job.encoded.envelope.space_id,
            seed=seed.hex(),
            results=tuple(lists),
            silos=tuple(reading.status for reading in readings),
        )

    def _external_id(self, collection: str, key: str) -> str | None:
        return self._rooms.collections.get(collection).external_id(int(key))

    def _status(
        self, organisation: str, collection: str | None, job: _Job, state: SiloState, **fields: Any
    ) -> SiloStatus:
        return SiloStatus(
            organisation=organisation,
            collection=collection,
            own=False,
            state=state,
            elapsed_ms=job.elapsed_ms(),
            **fields,
        )


async def _within(work: Awaitable[T], seconds: float) -> T:
    """Wait for `work` at most so long; raises DeadlinePassed."""
    try:
        async with asyncio.timeout(max(seconds, 0.001)):
            return await work
    except TimeoutError:
        raise DeadlinePassed(f"the deadline passed after {seconds:.1f} s") from None


def _failure(error: Exception) -> tuple[SiloState, dict[str, Any]]:
    """Say what an exception means for a silo; what is not foreseen is logged and called failed."""
    match error:
        case TransportError():
            return error.kind, {"detail": str(error)}
        case Unverifiable():
            return "unverifiable", {"code": error.reason, "detail": error.words}
        case OffersRefused():
            problem = error.problem
            return "denied", told(problem)
        case CardUnavailable():
            return "no-card", {"detail": str(error)}
        case PeerNotActive():
            return "not-active", {"detail": str(error)}
        case NoRoute():
            return "no-route", {"detail": str(error), "fix": error.fix or None}
        case BeyondCard():
            return "failed", {"code": error.code, "detail": str(error)}
        case LogUnavailable():
            return "failed", {"code": error.code, "detail": str(error)}
    _log.error("asking failed", exc_info=error)
    return "failed", {"detail": type(error).__name__}
