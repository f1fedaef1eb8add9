"""`interlingua partners`: which collections are open to this node."""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, note, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

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
                    ", ".join(offer.purposes),
                    offer.granularity,
                    offer.max_k,
                    offer.queries_left,
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
            if each.state != "ok":
                note(f"{each.organisation}: {each.state} {each.code or ''} {each.detail or ''}")

    failed = [each for each in result.partners if each.state != "ok"]
    finish(
        result,
        people,
        next_step='interlingua query "QUESTION" --purpose PURPOSE',
        exit_code=ExitCode.PARTIAL if failed else ExitCode.OK,
    )


def _quarters(used: int | None) -> str:
    """How much of the records that may ever be seen in this epoch was seen, in quarters."""
    return "" if used is None else f"{used}/4"
