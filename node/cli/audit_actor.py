"""`interlingua audit open-actor`: who asked an own question.

Rule of this file: the node decides and logs; this shows what it says.
"""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli.output import finish, line
from node.cli.run import run_operation


def open_actor(
    leaf: Annotated[int, typer.Argument(min=0, help="Index of the `sent` leaf of the question.")],
    case: Annotated[str, typer.Option(help="The matter for which it is opened; it is logged.")],
) -> None:
    """Name the person who asked an own question, where the rules allow it; leaves a leaf."""
    from node.operations.audit_actor import ActorOpened, OpenActor

    request = OpenActor(index=leaf, case=case)
    result = run_operation("audit.open-actor", request, ActorOpened)

    def people() -> None:
        line(f"asked by   {result.name}")
        line(f"asked of   {result.peer}")
        line(f"query      {result.query}")
        line(f"commitment {result.commitment}")
        line(f"opening    {result.opening}")

    finish(result, people, next_step=f"interlingua audit search --query {result.query}")
