"""`interlingua token`: who may call the local API."""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation

app = VerbGroup(help="Tokens of local callers: role, purposes, peers.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who holds it; appears in the log as the actor.")],
    role: Annotated[str, typer.Option(help="asker, admin or auditor.")] = "asker",
    purpose: Annotated[
        list[str] | None, typer.Option(help="A purpose its holder may state; repeat for more.")
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(help="An organisation its holder may ask; repeat for more. None: all."),
    ] = None,
    may_be_judged: Annotated[
        bool,
        typer.Option(
            "--may-be-judged",
            help="Its holder agreed that texts of questions are kept, and judged by people.",
        ),
    ] = False,
) -> None:
    """Create a token and print it once; the node keeps only its digest."""
    from node.operations.tokens import CreatedToken, CreateToken

    request = CreateToken.model_validate(
        {
            "name": name, "role": role, "purposes": purpose or [], "peers": peer or [],
            "may_be_judged": may_be_judged,
        }
    )  # fmt: skip
    result = run_operation("token.create", request, CreatedToken)

    def people() -> None:
        line(result.token)
        if role == "asker" and not result.purposes:
            note(
                "Without --purpose its holder may look (partners, collections) and not ask: "
                "each question states a purpose that its token permits."
            )

    finish(result, people, next_step="interlingua token list")


@app.command("list")
def list_() -> None:
    """List all tokens, also revoked ones."""
    from node.operations.registry import NoRequest
    from node.operations.tokens import TokenList

    result = run_operation("token.list", NoRequest(), TokenList)

    def people() -> None:
        table(
            ("NAME", "ROLE", "PURPOSES", "PEERS", "STATE"),
            [
                (
                    token.name,
                    token.role,
                    ", ".join(token.purposes) or "none",
                    ", ".join(token.peers) or "all",
                    "valid" if token.revoked is None else "revoked",
                )
                for token in result.tokens
            ],
        )

    finish(result, people, next_step="interlingua token create NAME --purpose PURPOSE")


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Name of the token.")]) -> None:
    """End a token at once, also on a running node."""
    from node.operations.tokens import RevokeToken, TokenInfo

    result = run_operation("token.revoke", RevokeToken(name=name), TokenInfo)
    finish(result, lambda: line(f"{result.name} is revoked"), next_step="interlingua token list")
