"""`interlingua resolve`: which own record a partner's reference names."""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line
from node.cli.run import run_operation

app = VerbGroup(help="Which own record a partner's reference names.")


@app.command()
def resolve(
    reference: Annotated[str, typer.Argument(help="The reference, as the partner received it.")],
    peer: Annotated[str | None, typer.Option(help="The partner that names it.")] = None,
    collection: Annotated[str | None, typer.Option(help="The own collection it is from.")] = None,
) -> None:
    """Name the own record behind a reference that a partner asks about."""
    from node.operations.resolve import Resolve, ResolvedRecord

    request = Resolve(reference=reference, peer=peer, collection=collection)
    result = run_operation("resolve", request, ResolvedRecord)

    def people() -> None:
        record = result.external_id or "(deleted since)"
        line(f"{result.collection}/{record}, given to {result.peer}")
        if result.uri:
            line(result.uri)

    finish(result, people, next_step=f"interlingua collection info {result.collection}")
