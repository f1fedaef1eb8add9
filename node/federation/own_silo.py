"""The own collections as one more silo, scored by the same code in the same space as partners'."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from numpy.typing import NDArray

from node.encoders.errors import EncoderError
from node.federation.ask import RouteShown, SiloState, SiloStatus
from node.federation.beside import Both, Search, version_names
from node.federation.bridging import BRIDGE, reach_first
from node.federation.commitments import commitments_of
from node.federation.confidence import WHY, flagged
from node.federation.disclose import Ranking, ShownRecords, bin_of, middle_of
from node.federation.merge import SiloHit, SiloRanking
from node.federation.routing import IDENTITY, NoRoute, OwnRoute, Routes, own_route
from node.federation.scoring import search_scored
from node.index.among import EVERYTHING, Among
from protocol.limits import BIN_WIDTH_MILLI
from protocol.metadata_filter import MetadataFilter

if TYPE_CHECKING:
    from node.collections.bridge import Bridge
    from node.collections.collection import Collection
    from node.collections.version import Version
    from node.encoders.encoder import Encoder

    Leg = tuple[Version, OwnRoute]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class OwnQuestion:
    """The question for the own collections; `queries`, `space`, `uncorrected`: see `own_route`.

    `texts` are the question where it was given as texts: a collection in another space is then
    searched by what its own model makes of them.
    """

    organisation: str
    queries: Mapping[str, NDArray[np.float32]]
    space: str
    k: int
    texts: tuple[str, ...] = ()
    filter: MetadataFilter | None = None
    uncorrected: frozenset[str] = frozenset()
    commitment_key: str | None = None

    @property
    def mark(self) -> bytes:
        """What tells it from other questions: its texts, or its vectors where those were given."""
        if self.texts:
            return "\0".join(self.texts).encode()
        return self.queries[self.space].tobytes()


async def search_own(
    question: OwnQuestion, collection: "Collection", routes: Routes
) -> tuple[SiloStatus, tuple[SiloRanking, ...]]:
    """Search one own collection; return its status and one ranking per vector (none if it failed).

    The references of its hits are internal keys as text: nothing of this leaves the node.
    """
    began = time.monotonic()

    def status(state: SiloState, **fields: Any) -> SiloStatus:
        return SiloStatus(
            organisation=question.organisation,
            collection=collection.name,
            own=True,
            state=state,
            elapsed_ms=round((time.monotonic() - began) * 1000),
            **fields,
        )

    try:
        legs = await _reached(question, collection, routes)
        matching = await collection.matching(question.filter) if question.filter else None
        found = await _searched(question, collection, legs, EVERYTHING.within(matching))
    except NoRoute as error:
        return status("no-route", detail=str(error), fix=error.fix or None), ()
    except Exception as error:
        _log.exception("own search failed", collection=collection.name)
        return status("failed", detail=type(error).__name__), ()
    committed: Mapping[int, str] = {}
    if question.commitment_key is not None:
        keys = [key for ranking in found for key in ranking.keys]
        committed = await commitments_of(collection, question.commitment_key, keys)
    version, route = legs[0]
    binned = _compare(legs)
    space = route.inbound.score_space if binned else None
    told = route.inbound.score_kind
    lists = [_shown(ranking, binned) for ranking in found]
    rankings = tuple(
        SiloRanking(
            question.organisation, collection.name, True, space, _hits(shown, committed), told
        )
        for shown in lists
    )
    verdict = "same" if route.kind == IDENTITY else "adaptable"
    low = None
    if len(legs) == 1:
        low = flagged(lists, BIN_WIDTH_MILLI, route.inbound.usual)
        version.far.note(low)
    shown = RouteShown(
        kind=route.kind,
        verdict=verdict,
        score_space=space,
        score_kind=told,
        low_confidence=low,
        low_confidence_reason=WHY if low else None,
    )
    return (
        status(
            "ok",
            version=version_names([leg.name for leg, _ in reversed(legs)]),
            granularity="bins" if binned else "ranks",
            hits=sum(map(len, found)),
            route=shown,
        ),
        rankings,
    )


async def _searched(
    question: OwnQuestion, collection: "Collection", legs: "Sequence[Leg]", among: Among
) -> list[Ranking]:
    """Search the version that answers, or the old one and the new one together."""

    def leg(version: "Version", route: OwnRoute) -> Search:
        return lambda: search_scored(
            version, route.searched, route.asked, question.k, None, route.inbound.scoring, among
        )

    if len(legs) == 1:
        return await leg(*legs[0])()
    old, new = legs
    covered = collection.covered_in(new[0])
    return await Both(leg(*old), leg(*new), covered, _compare(legs)).search()


def _compare(legs: "Sequence[Leg]") -> bool:
    """Whether all are scored in one space, and in one way."""
    return len({(way.inbound.score_space, way.inbound.score_kind) for _, way in legs}) == 1


async def _reached(question: OwnQuestion, collection: "Collection", routes: Routes) -> "list[Leg]":
    """Choose the version that answers, and the way there; then the new one beside it, if any does.

    Raises NoRoute.
    """
    standing = collection.standing
    serving = standing.serving
    over = standing.asked_over
    if over is None:
        encoded = await _encoded(question, serving.encoder, serving)
    else:
        encoded = await _carried(question, collection.asked_by(standing), over)

    def reach(version: "Version", ways: Routes) -> OwnRoute:
        natively = encoded if version is serving else None
        into = version.space_id
        return own_route(
            question.queries, question.space, into, ways, question.uncorrected, natively
        )

    version, route = reach_first(standing, routes, reach, NoRoute)
    if over is not None and version is serving and question.space != serving.space_id:
        return [(version, replace(route, kind=BRIDGE))]
    new = standing.beside(question.mark)
    if new is None or version is not serving:
        return [(version, route)]
    natively = await _encoded(question, new.encoder, new)
    if natively is None and question.space != new.space_id:
        return [(version, route)]  # given as vectors, or its model does not answer
    beside = own_route(
        question.queries, question.space, new.space_id, routes, question.uncorrected, natively
    )
    return [(version, route), (new, beside)]


async def _carried(
    question: OwnQuestion, encoder: "Encoder", over: "Bridge"
) -> NDArray[np.float32] | None:
    """The question by a bridge's model, carried over it; None where other maps must do."""
    if question.space == over.source:
        return over.forth.apply(question.queries[over.source])
    encoded = await _encoded(question, encoder, None)
    return None if encoded is None else over.forth.apply(encoded)


async def _encoded(
    question: OwnQuestion, encoder: "Encoder", version: "Version | None"
) -> NDArray[np.float32] | None:
    """The question by an encoder; None where a map must do, or the version's space is asked in."""
    known = version is not None and version.space_id == question.space
    if not question.texts or known or not encoder.takes_text:
        return None
    try:
        return await encoder.encode(question.texts, "query")
    except EncoderError as error:
        _log.warning("own model not asked", encoder=encoder.name, error=type(error).__name__)
        return None


def _shown(ranking: Ranking, binned: bool) -> ShownRecords:
    if not binned:
        return ShownRecords(tuple(ranking.keys))
    return _binned(ranking)


def _binned(ranking: Ranking) -> ShownRecords:
    bins = tuple([bin_of(score, BIN_WIDTH_MILLI) for score in ranking.scores])
    return ShownRecords(tuple(ranking.keys), bins)


def _hits(shown: ShownRecords, committed: Mapping[int, str]) -> tuple[SiloHit, ...]:
    bins = shown.bins or (None,) * len(shown)
    return tuple(
        SiloHit(
            str(key), None if each is None else middle_of(each, BIN_WIDTH_MILLI), committed.get(key)
        )
        for key, each in zip(shown.keys, bins, strict=True)
    )
