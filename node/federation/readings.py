"""From a partner's verified answer to a status line and rankings, and from there to results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.scale import AS_TOLD
from node.federation.ask import Copy, FigureShown, Result, RouteShown, SiloStatus
from node.federation.confidence import WHY
from node.federation.disclose import middle_of
from node.federation.merge import MergedHit, SiloHit, SiloRanking
from node.federation.routing import Plan
from protocol.accept_answer import AuthenticatedProblem
from protocol.answer_content import AcceptedAnswer
from protocol.card import Figure
from protocol.messages import Answer, Denial, Problem
from protocol.score_kind import ScoreKind

OVERLAP = "overlap_10"
"""The figure that a merged list shows beside each hit, where a route has one."""


@dataclass(frozen=True)
class Reading:
    """What one silo gave: its status, and one ranking per vector where it showed any hits."""

    status: SiloStatus
    rankings: tuple[SiloRanking, ...] = ()

    @property
    def score_space(self) -> str | None:
        """The space of its scores, where it gave any."""
        return self.status.route.score_space if self.status.route else None

    @property
    def score_kind(self) -> ScoreKind | None:
        """What its scores are there."""
        return self.status.route.score_kind if self.status.route else None


def read_answer(
    said: AcceptedAnswer | AuthenticatedProblem, plan: Plan, own_space: str, status: SiloStatus
) -> Reading:
    """Return what a partner said, as status and rankings; `status` holds its names and time.

    Where nothing was mapped, scores are in the own space, under whatever id the partner knows it.
    """
    if isinstance(said, AuthenticatedProblem):
        return Reading(_with(status, state="denied", **told(said.problem)))
    known: dict[str, Any] = {"answer": said.answer_digest, "receipt_index": said.receipt.index}
    payload = said.payload
    if isinstance(payload, Denial):
        state = "error" if payload.decision == "error" else "denied"
        return Reading(_with(status, state=state, **told(payload.problem), **known))
    if not isinstance(payload, Answer):
        raise TypeError("acceptance gives an answer of its endpoint's kind")
    # scores in a space that was not asked for compare with nobody's, whatever the partner calls it
    space = payload.score_space if payload.score_space == plan.envelope.space_id else None
    if plan.in_map is None and space is not None and not plan.cut:
        space = own_space
    known |= {
        "version": payload.version,
        "granularity": payload.granularity,
        "repeated": said.repeated,
        "route": _route(payload, plan, space),
        "queries_left": payload.budget.queries,
        "request_url": payload.request_url,
        "withheld": bool(payload.withheld),
        **_amounts(payload),
    }
    if payload.granularity in ("boolean", "count"):
        return Reading(_with(status, **known))
    return Reading(_with(status, **known), _rankings(payload, plan, space, status))


def results_of(
    merged: Sequence[MergedHit],
    rankings: Sequence[SiloRanking],
    silos: Sequence[Reading],
    external_id: Callable[[str, str], str | None],
) -> tuple[Result, ...]:
    """Return the merged list for people; `external_id` names an own record by collection and key.

    An own record that was deleted since the search is left out.
    """
    results: list[Result] = []
    for hit in merged:
        ranking, status = rankings[hit.silo], silos[hit.silo].status
        route = status.route
        own_id = external_id(ranking.collection, hit.hit.reference) if ranking.own else None
        if ranking.own and own_id is None:
            continue
        middle = hit.hit.bin_middle
        results.append(
            Result(
                place=len(results) + 1,
                organisation=ranking.organisation,
                collection=ranking.collection,
                own=ranking.own,
                reference=None if ranking.own else hit.hit.reference,
                external_id=own_id,
                rank=hit.rank,
                bin=None if middle is None else middle / 1000,
                score_space=ranking.score_space,
                route=route.kind if route else "identity",
                overlap=route.figures.get(OVERLAP) if route else None,
                request_url=status.request_url,
                held_back=hit.held_back,
                copies=tuple(_copy(each, rankings, external_id) for each in hit.copies),
                low_confidence=bool(route and route.low_confidence),
            )
        )
    return tuple(results)


def _copy(
    hit: MergedHit,
    rankings: Sequence[SiloRanking],
    external_id: Callable[[str, str], str | None],
) -> Copy:
    ranking, reference = rankings[hit.silo], hit.hit.reference
    return Copy(
        organisation=ranking.organisation,
        collection=ranking.collection,
        own=ranking.own,
        reference=None if ranking.own else reference,
        external_id=external_id(ranking.collection, reference) if ranking.own else None,
        rank=hit.rank,
    )


def _rankings(
    answer: Answer, plan: Plan, space: str | None, status: SiloStatus
) -> tuple[SiloRanking, ...]:
    meant = AS_TOLD if answer.score_kind is None else plan.scale
    width = answer.bin_width_milli or 0
    return tuple(
        SiloRanking(
            status.organisation,
            answer.collection,
            False,
            space,
            tuple(
                SiloHit(
                    hit.ref,
                    None if hit.bin is None or space is None else middle_of(hit.bin, width),
                    hit.commitment,
                )
                for hit in result
            ),
            answer.score_kind,
            meant,
        )
        for result in answer.results
        if isinstance(result, tuple)
    )


def _route(answer: Answer, plan: Plan, space: str | None) -> RouteShown:
    report = answer.route
    kinds: list[str] = [plan.in_map.kind] if plan.in_map is not None else []
    kinds += [report.kind] if report.adapter is not None or not kinds else []
    return RouteShown(
        kind="+".join(kinds),
        verdict="same" if plan.in_map is None and plan.route is None else "adaptable",
        own_adapter=plan.own_adapter,
        adapter=report.adapter,
        score_space=space,
        score_kind=answer.score_kind,
        scale=_knots(answer, plan),
        figures=figures_shown(plan.figures),
        partner_figures=figures_shown(report.figures),
        low_confidence=report.low_confidence,
        low_confidence_reason=WHY if report.low_confidence else None,
    )


def _knots(answer: Answer, plan: Plan) -> tuple[tuple[float, float], ...]:
    if answer.score_kind is None:
        return ()
    return tuple(zip(plan.scale.told, plan.scale.meant, strict=True))


def figures_shown(figures: Mapping[str, Figure]) -> dict[str, FigureShown]:
    """Return figures as numbers for people and programs."""
    return {
        name: FigureShown(value=f.milli / 1000, low=f.low / 1000, high=f.high / 1000)
        for name, f in figures.items()
    }


def _amounts(answer: Answer) -> dict[str, Any]:
    if answer.granularity == "boolean":
        found = tuple(bool(result) for result in answer.results)
        return {"found": found, "smallest_count": answer.smallest_count}
    if answer.granularity == "count":
        counts = tuple(r if type(r) is int else None for r in answer.results)
        return {"counts": counts, "smallest_count": answer.smallest_count}
    return {"hits": sum(len(r) for r in answer.results if isinstance(r, tuple))}


def told(problem: Problem) -> dict[str, Any]:
    """Return a partner's problem as fields of a status; its words are for people's terminals."""
    words = problem.detail or problem.title
    detail = "".join(letter if letter.isprintable() else "?" for letter in words)
    return {"code": problem.code, "rule": problem.rule, "detail": detail}


def _with(status: SiloStatus, **fields: Any) -> SiloStatus:
    """A status with more told of it; what was judged before is not judged again."""
    given = {name: getattr(status, name) for name in status.model_fields_set}
    return SiloStatus(**{**given, **fields})
