"""`interlingua selection`: what earlier answers say of silos, and forgetting it."""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli.instants import shown_day
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

app = VerbGroup(help="What earlier answers say of silos, by which they are selected.")


@app.command()
def show() -> None:
    """Show from how many answers each silo is known, and which part of the lists it gave."""
    from node.operations.registry import NoRequest
    from node.operations.selection import SelectionShown

    result = run_operation("selection.show", NoRequest(), SelectionShown)

    def people() -> None:
        table(
            ("ORGANISATION", "COLLECTION", "ANSWERS", "OF THE LIST", "SINCE"),
            [
                (
                    each.organisation,
                    each.collection,
                    each.answers,
                    f"{each.mean_share:.2f}",
                    shown_day(each.oldest),
                )
                for each in result.silos
            ],
        )
        most = f"at most {result.select} of them" if result.select else "all of them"
        line(f"a question asks {most} where it says nothing else")
        line("whoever is not known from 20 answers is asked; only questions with a limit teach")

    finish(result, people, next_step='interlingua query "..." --purpose PURPOSE --select 3')


@app.command()
def forget(
    partner: Annotated[
        str | None, typer.Argument(help="One partner's answers; default: everything.")
    ] = None,
) -> None:
    """Forget what silos gave, and the vectors of the questions; learning begins anew."""
    from node.operations.selection import AnswersForgotten, ForgetAnswers

    request = ForgetAnswers.model_validate({"organisation": partner})
    result = run_operation("selection.forget", request, AnswersForgotten)
    of = result.organisation or "all silos"

    def people() -> None:
        line(f"forgot what {of} gave to {result.questions} questions")
        if result.waits:
            line(f"pending: {result.waits}")

    finish(
        result,
        people,
        next_step="interlingua doctor" if result.waits else "interlingua selection show",
        exit_code=ExitCode.PARTIAL if result.waits else ExitCode.OK,
    )
