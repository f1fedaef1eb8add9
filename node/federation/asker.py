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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.federation.actors import Actors
from node.federation.announcer import Announcer
from node.federation.ask import AskRequest, AskResult, SiloState
from node.federation.asking import QuestionUnderWay
from node.federation.choosing import Chooser
from node.federation.collection_asker import CollectionAsker
from node.federation.encode_question import encode_question
from node.federation.exchange import Exchanger
from node.federation.merge import SiloRanking, merge
from node.federation.own_silo import OwnQuestion, search_own
from node.federation.partner_offers import PartnerOffers
from node.federation.past_answers import PastAnswers
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.readings import Reading, results_of
from node.federation.refresh import Refresher
from node.federation.routing import Routes
from node.federation.selection import (
    Target,
    affordable,
    is_named,
    nothing_chosen,
    own_collections,
    partners_for,
    require_somebody,
    targets,
)
from node.federation.silo_failures import failure, within
from protocol.leaf import new_salt
from protocol.messages import Offer
from protocol.score_kind import ScoreKind

if TYPE_CHECKING:
    from node.collections.registry import Collections
    from node.encoders.registry import Encoders


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
    past: PastAnswers
    select: int
    explore: float


@dataclass(frozen=True)
class PartnerOffered:
    """What one partner offers, or why that is not known."""

    organisation: str
    offers: tuple[Offer, ...]
    state: SiloState
    code: str | None = None
    detail: str | None = None


class Asker:
    """Asks partners and the own collections; one per node, on its event loop."""

    def __init__(self, rooms: AskerRooms) -> None:
        self._rooms = rooms
        self._offers = PartnerOffers(rooms.exchanger)
        self._chooser = Chooser(rooms.past, self._offers, rooms.select, rooms.explore)
        self._collections = CollectionAsker(
            rooms.peers,
            rooms.refresher,
            rooms.exchanger,
            rooms.routes,
            rooms.actors,
            self._offers,
        )

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
        job = QuestionUnderWay(
            request, actor, encoded, request.deadline_s or rooms.deadline_s, time.monotonic()
        )
        job.queries[encoded.envelope.space_id] = encoded.vectors
        job.choice = self._chooser.choice(job, partners)
        answers = await asyncio.gather(*(self._ask_partner(name, job) for name in partners))
        readings = [reading for answer in answers for reading in answer]
        readings += await self._ask_own(own, job, readings)
        result = self._merged(job, readings)
        self._chooser.learn(job, result, readings)
        return result

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
            peer = await within(self._contact(name), deadline_s)
            left = deadline_s - (time.monotonic() - began)
            offers = await within(self._offers.of(peer, left, fresh=True), left)
            return PartnerOffered(name, offers, "ok")
        except Exception as error:
            state, fields = failure(error)
            return PartnerOffered(name, (), state, fields.get("code"), fields.get("detail"))

    async def _contact(self, name: str) -> Peer:
        """The partner with a valid card, once it can know this node's keys."""
        peer = await self._rooms.refresher.current(name)
        await self._rooms.announcer.before_asking(name)
        return peer

    async def _reached(self, name: str, job: QuestionUnderWay) -> tuple[Peer, tuple[Offer, ...]]:
        """The partner, and what it offers."""
        peer = await self._contact(name)
        return peer, await self._offers.of(peer, job.left())

    async def _ask_partner(self, name: str, job: QuestionUnderWay) -> list[Reading]:
        """One partner: its card, its offers, then its collections, all within the deadline."""
        request = job.request
        if job.choice.leaves_out(name):
            return job.left_out(name, job.choice.left_of(name))
        try:
            peer, offers = await within(self._reached(name, job), job.left())
            chosen = targets(request, name, offers)
            if not chosen:  # perhaps something was granted a moment ago
                asked = self._offers.of(peer, job.left(), fresh=True)
                offers = await within(asked, job.left())
                chosen = targets(request, name, offers)
        except Exception as error:
            state, fields = failure(error)
            return [Reading(job.status(name, None, state, **fields))]
        if not chosen:
            detail = nothing_chosen(request, name, offers)
            state = "denied" if is_named(request, name) else "nothing-offered"
            return [Reading(job.status(name, None, state, code="not-offered", detail=detail))]
        wanted = [each for each in chosen if not job.choice.is_left(name, each.collection)]
        few = affordable(request, wanted)
        readings = await self._ask_collections(peer, few, job)
        if few and all(reading.status.state in ("denied", "no-route") for reading in readings):
            moved = await self._moved(peer, few, job)
            readings = await self._ask_collections(peer, moved, job) if moved else readings
        left = {each.collection for each in chosen} - {each.collection for each in wanted}
        readings += job.left_out(name, sorted(left))
        if len(few) < len(wanted):
            detail = f"asked {len(few)} of its {len(wanted)} collections; name those you mean"
            status = job.status(name, None, "failed", code="too-many", detail=detail)
            readings.append(Reading(status))
        return readings

    async def _ask_collections(
        self, peer: Peer, chosen: Sequence[Target], job: QuestionUnderWay
    ) -> list[Reading]:
        if len(chosen) == 1:  # without a task of its own
            return [await self._collections.ask(peer, chosen[0], job)]
        asked = (self._collections.ask(peer, target, job) for target in chosen)
        return list(await asyncio.gather(*asked))

    async def _moved(
        self, peer: Peer, asked: Sequence[Target], job: QuestionUnderWay
    ) -> list[Target]:
        """What a partner that denied everything offers since: it may have changed its model."""
        known = {(target.place, target.offer and target.offer.spaces) for target in asked}
        try:
            fresh = self._offers.of(peer, job.left(), fresh=True)
            offers = await within(fresh, job.left())
        except Exception as error:
            failure(error)  # what it has denied stands
            return []
        name = peer.organisation
        chosen = affordable(job.request, targets(job.request, name, offers))
        return [
            target
            for target in chosen
            if target.offer
            and (target.place, target.offer.spaces) not in known
            and not job.choice.is_left(name, target.collection)
        ]

    async def _ask_own(
        self, names: Sequence[str], job: QuestionUnderWay, readings: Sequence[Reading]
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
            job.request.texts,
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

    def _merged(self, job: QuestionUnderWay, readings: Sequence[Reading]) -> AskResult:
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
            left_out=job.choice.left_share,
        )

    def _external_id(self, collection: str, key: str) -> str | None:
        return self._rooms.collections.get(collection).external_id(int(key))
