"""The own collections as one more silo, scored by the same code in the same space as partners'."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from numpy.typing import NDArray

from node.encoders.errors import EncoderError
from node.federation.ask import RouteShown, SiloState, SiloStatus
from node.federation.commitments import commitments_of
from node.federation.confidence import WHY, flagged
from node.federation.disclose import Ranking, ShownRecords, bin_of, middle_of
from node.federation.merge import SiloHit, SiloRanking
from node.federation.routing import IDENTITY, NoRoute, OwnRoute, Routes, own_route
from node.federation.scoring import search_scored
from node.index.among import EVERYTHING
from protocol.limits import BIN_WIDTH_MILLI
from protocol.metadata_filter import MetadataFilter

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.collections.version import Version

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
        version, route = await _reached(question, collection, routes)
        matching = await collection.matching(question.filter) if question.filter else None
        found = await search_scored(
            version,
            route.searched,
            route.asked,
            question.k,
            None,
            route.inbound.scoring,
            EVERYTHING.within(matching),
        )
    except NoRoute as error:
        return status("no-route", detail=str(error), fix=error.fix or None), ()
    except Exception as error:
        _log.exception("own search failed", collection=collection.name)
        return status("failed", detail=type(error).__name__), ()
    committed: Mapping[int, str] = {}
    if question.commitment_key is not None:
        keys = [key for ranking in found for key in ranking.keys]
        committed = await commitments_of(collection, question.commitment_key, keys)
    space, told = route.inbound.score_space, route.inbound.score_kind
    lists = [_binned(ranking) for ranking in found]
    rankings = tuple(
        SiloRanking(
            question.organisation, collection.name, True, space, _hits(shown, committed), told
        )
        for shown in lists
    )
    verdict = "same" if route.kind == IDENTITY else "adaptable"
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
    hits = sum(map(len, found))
    return (
        status("ok", version=version.name, granularity="bins", hits=hits, route=shown),
        rankings,
    )


async def _reached(
    question: OwnQuestion, collection: "Collection", routes: Routes
) -> "tuple[Version, OwnRoute]":
    """Choose the version that answers, and the way there. Raises NoRoute."""
    standing = collection.standing
    serving = standing.serving
    encoded = await _encoded(question, serving)

    def reach(version: "Version") -> OwnRoute:
        natively = encoded if version is serving else None
        into = version.space_id
        return own_route(
            question.queries, question.space, into, routes, question.uncorrected, natively
        )

    return standing.first_reached(reach, NoRoute)


async def _encoded(question: OwnQuestion, version: "Version") -> NDArray[np.float32] | None:
    """The question by the version's own model; None where a map must do."""
    encoder = version.encoder
    if not question.texts or version.space_id == question.space or not encoder.takes_text:
        return None
    try:
        return await encoder.encode(question.texts, "query")
    except EncoderError as error:
        _log.warning("own model not asked", encoder=encoder.name, error=type(error).__name__)
        return None


def _binned(ranking: Ranking) -> ShownRecords:
    bins = tuple([bin_of(score, BIN_WIDTH_MILLI) for score in ranking.scores])
    return ShownRecords(tuple(ranking.keys), bins)


def _hits(shown: ShownRecords, committed: Mapping[int, str]) -> tuple[SiloHit, ...]:
    return tuple(
        SiloHit(str(key), middle_of(each, BIN_WIDTH_MILLI), committed.get(key))
        for key, each in zip(shown.keys, shown.bins or (), strict=True)
    )
