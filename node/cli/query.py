"""`interlingua query`: ask partners and the own collections."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.federation.ask import AskResult, Result, SiloStatus

app = VerbGroup(help="Ask partners and the own collections.")

FIGURES = {"mrr": "MRR", "ndcg_10": "nDCG@10", "overlap_10": "overlap@10"}
"""Figures of a route that are told beside an answer, on held-out anchors, and their titles."""


@app.command()
def query(
    purpose: Annotated[str, typer.Option(help="What the answer is for, as the grant names it.")],
    question: Annotated[
        str | None, typer.Argument(help="The question; - reads it from standard input.")
    ] = None,
    vectors: Annotated[
        Path | None,
        typer.Option(
            help="Ask with vectors instead: a .npy file (n, d) or JSON lists.", exists=True
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", "--k", help="How many records.")] = 10,
    peer: Annotated[
        list[str] | None, typer.Option(help="Of the partners, ask this one only; repeat for more.")
    ] = None,
    collection: Annotated[
        list[str] | None,
        typer.Option(help="Ask this collection only, NAME or ORGANISATION/NAME; repeat for more."),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="An encoder, or a collection whose encoder is meant.")
    ] = None,
    granularity: Annotated[
        str | None, typer.Option(help="boolean, count, ranks or bins; default: as granted.")
    ] = None,
    agreement: Annotated[str | None, typer.Option(help="Id of the agreement it is under.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Only documents whose metadata fit: FIELD=VALUE, FIELD=VALUE,VALUE or "
            "FIELD=LEAST..MOST; repeat for more, all must fit."
        ),
    ] = None,
    deadline: Annotated[float | None, typer.Option(help="Seconds that each partner has.")] = None,
    select: Annotated[
        int | None,
        typer.Option(
            help="Ask at most so many of the partners' collections of which 20 answers to "
            "questions with a limit are known, those likely to answer; 0 asks all. Default: "
            "partners.select.",
        ),
    ] = None,
    no_own: Annotated[
        bool, typer.Option("--no-own", help="Leave the own collections out.")
    ] = False,
    may_be_judged: Annotated[
        bool,
        typer.Option(
            "--may-be-judged",
            help="Let the text be kept and judged by people, to compare models by.",
        ),
    ] = False,
) -> None:
    """Ask one question; print one merged list and what became of every partner."""
    from node.cli.where import read_where
    from node.federation.ask import AskRequest, AskResult

    if (question is None) == (vectors is None):
        raise typer.BadParameter("give either a question or --vectors FILE")
    text = sys.stdin.read().strip() if question == "-" else question
    request = AskRequest.model_validate(
        {
            "texts": (text,) if text is not None else (),
            "vectors": _read_vectors(vectors) if vectors is not None else (),
            "purpose": purpose,
            "k": k,
            "peers": tuple(peer or ()),
            "collections": tuple(collection or ()),
            "encoder": encoder,
            "granularity": granularity,
            "agreement": agreement,
            "filter": read_where(where) if where else None,
            "deadline_s": deadline,
            "select": select,
            "own": not no_own,
            "may_be_judged": may_be_judged or None,
        }
    )
    result = run_operation("query", request, AskResult)
    finish(
        result,
        lambda: _show(result),
        next_step=_next_step(result),
        exit_code=_exit_code(result),
    )


def _next_step(result: AskResult) -> str:
    """Only a partner's records have references to resolve."""
    if any(not hit.own for hits in result.results for hit in hits):
        return "at the record's owner: interlingua resolve REFERENCE"
    return "interlingua partners"


def _read_vectors(path: Path) -> list[list[float]]:
    """Vectors from a file; a single one may stand without an outer list."""
    try:
        if path.suffix == ".npy":
            import numpy as np

            found = np.load(path, allow_pickle=False).tolist()
        else:
            import json

            found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise typer.BadParameter(f"{path} holds no vectors", param_hint="--vectors") from None
    single = bool(found) and isinstance(found, list) and not isinstance(found[0], list)
    return [found] if single else found


def _show(result: AskResult) -> None:
    for number, results in enumerate(result.results, 1):
        if len(result.results) > 1:
            line(f"question {number}")
        table(
            ("#", "ORGANISATION", "COLLECTION", "RECORD", "SCORE", "ROUTE", "OVERLAP"),
            [_row(each) for each in results],
        )
        _explain(results)
        line()
    table(
        ("SILO", "STATUS", "HITS", "MODEL", "LEFT TODAY", "MS", "WHY"),
        [_status(silo) for silo in result.silos],
    )
    for silo in result.silos:
        _explain_route(silo)
    if result.left_out is not None:
        note(
            f"not asked were silos with {result.left_out:.0%} of what earlier answers let expect of"
            " partners, an estimate; --select 0 asks all"
        )
    found = [each for results in result.results for each in results]
    urls = {r.organisation: r.request_url for r in found if r.request_url}
    for organisation, url in sorted(urls.items()):
        note(f"records of {organisation}: apply at {url}")


def _explain(results: Sequence[Result]) -> None:
    """Why a record stands below one with a lower score, and who else holds one."""
    places = ", ".join(f"#{each.place}" for each in results if each.held_back)
    if places:
        note(
            f"{places}: below lower scores, because one partner holds at most half of a list and"
            " one more, whatever it claims (docs/federation.md, How lists are merged)"
        )
    for each in results:
        for copy in each.copies:
            name = copy.external_id or copy.reference
            note(f"#{each.place}: also held by {copy.organisation}/{copy.collection} as {name}")


def _explain_route(silo: SiloStatus) -> None:
    """Through which maps a silo was asked and how well they do, or what would lead there."""
    name = f"{silo.organisation}/{silo.collection}"
    if silo.fix:
        note(f"{name}: {silo.fix}")
    route = silo.route
    if route is not None and route.low_confidence:
        note(f"{name}: LOW CONFIDENCE: {route.low_confidence_reason}")
    if route is None or route.verdict != "adaptable":
        return
    figures, whose = route.figures, "measured here"
    if not figures:
        figures, whose = route.partner_figures, "by its own account"
    told = ", ".join(
        f"{title} {figures[key].value:.2f} ({figures[key].low:.2f} to {figures[key].high:.2f})"
        for key, title in FIGURES.items()
        if key in figures
    )
    note(f"{name}: through {route.kind}: {told + ', ' + whose if told else 'not measured'}")


def _row(each: Result) -> tuple[object, ...]:
    overlap = each.overlap
    return (
        each.place,
        each.organisation,
        each.collection,
        each.external_id or each.reference,
        "rank only" if each.bin is None else f"{each.bin:.3f}",
        f"{each.route}, low" if each.low_confidence else each.route,
        "" if overlap is None else f"{overlap.value:.2f} ({overlap.low:.2f}-{overlap.high:.2f})",
    )


def _status(silo: SiloStatus) -> tuple[object, ...]:
    name = f"{silo.organisation}/{silo.collection}" if silo.collection else silo.organisation
    withheld = "some of its records are used up until its next epoch" if silo.withheld else None
    why = (silo.code, silo.rule and f"({silo.rule})", silo.detail, withheld)
    reason = " ".join(filter(None, why))
    return (
        name,
        "repeated" if silo.repeated else silo.state,
        _amount(silo),
        (silo.route.verdict if silo.route else None) or "",
        "" if silo.queries_left is None else silo.queries_left,
        silo.elapsed_ms,
        reason,
    )


def _amount(silo: SiloStatus) -> object:
    if silo.found is not None:
        return ", ".join("some" if found else "none" for found in silo.found)
    if silo.counts is not None:
        fewer = f"fewer than {silo.smallest_count}"
        return ", ".join(fewer if count is None else str(count) for count in silo.counts)
    return "" if silo.hits is None else silo.hits


def _exit_code(result: AskResult) -> ExitCode:
    """OK if every silo that has something to ask answered, PARTIAL if only some of them did.

    Where none did, the worst of what the partners said.
    """
    states = {silo.state for silo in result.silos} - {"not-asked"}
    if not states or "ok" in states:
        return ExitCode.PARTIAL if result.partial else ExitCode.OK
    if "unverifiable" in states:
        return ExitCode.UNVERIFIED
    return ExitCode.REFUSED if states & {"denied", "nothing-offered"} else ExitCode.UNAVAILABLE
