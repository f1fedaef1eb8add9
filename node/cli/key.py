"""`interlingua key`: the own keys, and the root document that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from node.cli import key_root
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.keys import KeyInfo, RootChanged

app = VerbGroup(help="Own keys: list, rotate, revoke; the root document, also signed elsewhere.")
app.add_typer(key_root.app, name="root")

PURPOSES = ("card", "sign", "log", "witness", "root")


@app.command("list")
def list_() -> None:
    """List the own keys with purpose, validity and state."""
    from node.operations.keys import KeyList
    from node.operations.registry import NoRequest

    result = run_operation("key.list", NoRequest(), KeyList)

    def people() -> None:
        line(f"root document v{result.version}, valid until {key_root.day(result.expires)}")
        if result.draft is not None:
            line(f"a draft of v{result.draft} waits for the root key's signature")
        table(
            ("PURPOSE", "STATE", "FROM", "UNTIL", "LEAVES", "KEY"),
            [
                (
                    key.purpose or "",
                    key.state if key.reason is None else f"{key.state}: {key.reason}",
                    key_root.day(key.not_before),
                    key_root.day(key.not_after),
                    _sizes(key),
                    key.kid,
                )
                for key in result.keys
            ],
        )

    finish(result, people, next_step="interlingua key rotate sign; interlingua doctor")


def _sizes(key: KeyInfo) -> str:
    """The trees that a log key signs, in leaves."""
    if key.from_size is None:
        return ""
    return f"{key.from_size}-{'' if key.until_size is None else key.until_size}"


@app.command()
def rotate(
    purpose: Annotated[str, typer.Argument(help="Which key: card, sign, log or root.")],
    now: Annotated[
        bool,
        typer.Option("--now", help="Use the new key at once: partners may refuse it for a while."),
    ] = False,
    public: Annotated[
        str | None,
        typer.Option(help="With root: the public key that `key root create` printed elsewhere."),
    ] = None,
) -> None:
    """Replace a key; the new one is published first and used after keys.lead_s seconds."""
    from node.operations.keys import RootChanged, Rotate

    if purpose not in PURPOSES:
        raise typer.BadParameter(f"{purpose}: one of {', '.join(PURPOSES)}", param_hint="PURPOSE")
    request = Rotate.model_validate({"purpose": purpose, "at_once": now, "public": public})
    shown(run_operation("key.rotate", request, RootChanged))


@app.command(context_settings={"ignore_unknown_options": True})  # a key id may begin with -
def revoke(
    kid: Annotated[str, typer.Argument(help="Id of the key, from `key list`.")],
    reason: Annotated[str, typer.Option(help="Why; partners and auditors read it.")],
) -> None:
    """Withdraw a key from every partner's trust at once; a new one replaces it."""
    from node.operations.keys import Revoke, RootChanged

    shown(run_operation("key.revoke", Revoke(kid=kid, reason=reason), RootChanged))


def shown(result: RootChanged) -> None:
    """Show what became of a change, and what is to be done next."""

    def people() -> None:
        for kid in result.created:
            line(f"new key {kid}")
        if not result.published:
            note(f"Version {result.version} of the root document waits for the root key.")
            return
        line(f"root document v{result.version} is published")
        if result.told or result.untold:
            line(f"told {len(result.told)} of {len(result.told) + len(result.untold)} partners")
        if result.untold:
            note(f"not reached yet, tried again: {', '.join(result.untold)}")
        if result.waiting is not None:
            note(f"Later changes are not in it: they wait for the root key, as v{result.waiting}.")

    done = result.published and result.waiting is None
    export = "interlingua key root export FILE"
    finish(result, people, next_step="interlingua key list" if done else export)
