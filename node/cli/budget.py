"""`interlingua budget`: what partners have used of their grants, and forgetting it."""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli.instants import shown_day
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, table
from node.cli.run import run_operation

app = VerbGroup(help="Budgets of grants: what is left, and starting over.")


@app.command()
def show(
    peer: Annotated[str | None, typer.Argument(help="One partner; default: all.")] = None,
) -> None:
    """Show what is left of every grant's budgets."""
    from node.operations.budgets import ALL_RECORDS, Budgets, OfPeer

    result = run_operation("budget.show", OfPeer(peer=peer), Budgets)

    def people() -> None:
        table(
            ("PEER", "COLLECTION", "PURPOSES", "LEFT TODAY", "A DAY", "RECORDS TOLD", "AT MOST"),
            [
                (
                    row.peer,
                    row.collection,
                    ", ".join(row.purposes),
                    row.queries_left,
                    row.queries_per_day,
                    row.records if row.records < ALL_RECORDS else "all: a log was lost",
                    "any" if row.records_limit is None else row.records_limit,
                )
                for row in result.budgets
            ],
        )
        line(f"records count until {shown_day(result.epoch_ends)}")

    finish(result, people, next_step="interlingua exposure show")


@app.command()
def reset(
    peer: Annotated[str, typer.Argument(help="The partner.")],
    collection: Annotated[
        str | None, typer.Option(help="One collection; default: all that it may ask.")
    ] = None,
) -> None:
    """Forget what a partner has used: questions of today, records told of, near questions."""
    from node.operations.budgets import BudgetWasReset, ResetBudget

    request = ResetBudget.model_validate({"peer": peer, "collection": collection})
    result = run_operation("budget.reset", request, BudgetWasReset)
    of = result.collection or "every collection"
    finish(
        result,
        lambda: line(f"{result.peer} starts over with {of} (leaf {result.leaf})"),
        next_step=f"interlingua budget show {peer}",
    )
