"""`interlingua exposure`: of how many records partners were told."""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli.instants import shown_day
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, table
from node.cli.run import run_operation

app = VerbGroup(help="What partners were told of your records.")


@app.command()
def show(
    peer: Annotated[str | None, typer.Argument(help="One partner; default: all.")] = None,
) -> None:
    """Show of how many records partners were told in this epoch, and how often."""
    from node.operations.budgets import ExposureShown, OfPeer

    result = run_operation("exposure.show", OfPeer(peer=peer), ExposureShown)

    def people() -> None:
        table(
            ("PEER", "COLLECTION", "RECORDS TOLD", "OF", "ANSWERS", "MOST ABOUT ONE"),
            [
                (
                    row.peer,
                    row.collection,
                    row.records,
                    "gone" if row.documents is None else row.documents,
                    row.answers,
                    row.most,
                )
                for row in result.exposures
            ],
        )
        line(f"epoch {result.epoch}, until {shown_day(result.epoch_ends)}")

    finish(result, people, next_step="interlingua budget show")
