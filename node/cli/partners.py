"""`interlingua partners`: which collections are open to this node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, note, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.federation.reach import Reach
    from protocol.messages import Offer

app = VerbGroup(help="Which of the partners' collections are open to this node.")


@app.command()
def partners(
    peer: Annotated[
        list[str] | None, typer.Option(help="Ask this partner only; repeat for more.")
    ] = None,
    deadline: Annotated[float | None, typer.Option(help="Seconds that each partner has.")] = None,
) -> None:
    """Ask partners which of their collections are open to this node, and on what terms."""
    from node.operations.partners import ListPartners, Partners

    request = ListPartners(peers=tuple(peer or ()), deadline_s=deadline)
    result = run_operation("partners", request, Partners)

    def people() -> None:
        table(
            (
                "PARTNER",
                "COLLECTION",
                "TITLE",
                "LANGUAGE",
                "MODEL",
                "PURPOSES",
                "SHOWS",
                "K",
                "LEFT TODAY",
                "RECORDS SEEN",
            ),
            [
                (
                    each.organisation,
                    offer.collection,
                    offer.title or "",
                    offer.language or "",
                    _verdict(each.reached.get(offer.collection, ())),
                    ", ".join(offer.purposes),
                    offer.granularity,
                    offer.max_k,
                    _left(offer),
                    _quarters(offer.exposure_quarters),
                )
                for each in result.partners
                for offer in each.offers
            ],
        )
        for each in result.partners:
            for offer in each.offers:
                if offer.description:
                    note(f"{each.organisation}/{offer.collection}: {offer.description}")
                _explain(f"{each.organisation}/{offer.collection}", each.reached)
            if each.state == "ok" and not each.offers:
                note(f"{each.organisation} offers nothing to this node")
            if each.state != "ok":
                note(f"{each.organisation}: {each.state} {each.code or ''} {each.detail or ''}")

        if not result.partners:
            note(
                "no active partner was asked: `interlingua peer list` shows who waits for approval"
            )

    failed = [each for each in result.partners if each.state != "ok"]
    finish(
        result,
        people,
        next_step='interlingua query "QUESTION" --purpose PURPOSE'
        if result.partners
        else "interlingua peer list",
        exit_code=ExitCode.PARTIAL if failed else ExitCode.OK,
    )


def _left(offer: Offer) -> str:
    """How many vectors are left today, of how many where the partner says so."""
    of = "" if offer.queries_per_day is None else f" of {offer.queries_per_day}"
    return f"{offer.queries_left}{of}"


def _verdict(found: Sequence[Reach]) -> str:
    """The verdict on the own encoder that is nearest, named where there are several."""
    from node.federation.reach import best

    nearest = best(found)
    if nearest is None:
        return "no encoder"
    named = f" ({nearest.encoder})" if len(found) > 1 else ""
    return f"{nearest.verdict}{named}"


def _explain(name: str, reached: Mapping[str, Sequence[Reach]]) -> None:
    """By which maps a collection is asked and how well they do; or what stands against it."""
    from node.federation.reach import best

    nearest = best(reached.get(name.partition("/")[2], ()))
    if nearest is None or nearest.verdict == "same":
        return
    if nearest.verdict == "adaptable":
        note(f"{name}: {nearest.in_words()}")
        return
    note(f"{name}: incompatible: {'; '.join(nearest.reasons)}. {nearest.fix or ''}")


def _quarters(used: int | None) -> str:
    """How much of the records that may ever be seen in this epoch was seen, in quarters."""
    return "" if used is None else f"{used} of 4 quarters"
