"""`interlingua peer`: whom this node trusts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.peers import PeerInfo

app = VerbGroup(help="Partners: add by fingerprint, pause, resume, revoke.")

Name = Annotated[str, typer.Argument(metavar="ORGANISATION", help="The partner's name.")]


@app.command()
def add(
    card: Annotated[
        str,
        typer.Argument(help="The partner's bundle: a file, - for standard input, or its URL."),
    ],
    fingerprint: Annotated[
        str,
        typer.Option(help="The twelve words of its root key, from its admin over another channel."),
    ],
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Permit addresses in private ranges.")
    ] = False,
    allow_plaintext: Annotated[
        bool, typer.Option("--allow-plaintext", help="Permit http beyond loopback.")
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(
            help="PEM file of the authorities that may certify this partner.", exists=True
        ),
    ] = None,
) -> None:
    """Add a partner whose root key has these words."""
    from node.operations.peers import AddPeer, PeerInfo

    is_url = card.startswith(("https://", "http://"))
    request = AddPeer(
        bundle=None if is_url else _read(card),
        url=card if is_url else None,
        words=fingerprint,
        allow_private=allow_private,
        allow_plaintext=allow_plaintext,
        ca_file=ca.absolute() if ca else None,
    )
    result = run_operation("peer.add", request, PeerInfo)
    finish(
        result,
        lambda: line(f"{result.organisation} is {result.state}"),
        next_step="interlingua policy apply GRANTS.toml (what it may ask); interlingua partners",
    )


@app.command("list")
def list_() -> None:
    """List partners and their states."""
    from node.operations.peers import PeerList
    from node.operations.registry import NoRequest

    result = run_operation("peer.list", NoRequest(), PeerList)

    def people() -> None:
        table(
            ("ORGANISATION", "STATE", "URL", "ROOT", "CARD UNTIL"),
            [
                (
                    p.organisation,
                    p.state,
                    p.url or "asks only",
                    f"v{p.root_version}",
                    _date(p.card_expires),
                )
                for p in result.peers
            ],
        )

    finish(result, people, next_step="interlingua partners")


@app.command()
def pause(organisation: Name) -> None:
    """Answer a partner nothing until it is resumed; takes effect at once."""
    _change("peer.pause", organisation, "interlingua peer resume")


@app.command()
def resume(organisation: Name) -> None:
    """End a partner's pause."""
    _change("peer.resume", organisation, "interlingua peer list")


@app.command()
def revoke(organisation: Name) -> None:
    """End a partnership, also for questions under way; only adding it anew begins it again."""
    _change("peer.revoke", organisation, "interlingua peer list")


@app.command()
def refresh(organisation: Name) -> None:
    """Fetch a partner's root document and card now."""
    from node.operations.peers import NamedPeer, PeerRefreshed

    result = run_operation("peer.refresh", NamedPeer(organisation=organisation), PeerRefreshed)

    def people() -> None:
        if result.problem:
            note(f"not fetched: {result.problem}")
        line(f"root v{result.root_version}, card until {_date(result.card_expires)}")

    finish(result, people, next_step="interlingua partners")


@app.command()
def card(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the bundle to this file.")
    ] = None,
) -> None:
    """Give the own bundle, and the words that a partner's admin must compare."""
    from node.operations.peers import OwnBundle
    from node.operations.registry import NoRequest

    result = run_operation("peer.card", NoRequest(), OwnBundle)
    if output is not None:
        output.write_text(result.bundle + "\n", "utf-8")

    def people() -> None:
        if output is None:
            line(result.bundle)
        note(f"fingerprint: {result.fingerprint}")
        note("Give these words to the partner's admin over another channel than the bundle.")

    finish(
        result,
        people,
        next_step=f"on the partner's node: interlingua peer add {output or 'FILE'} --fingerprint …",
    )


@app.command("approve-log")
def approve_log(organisation: Name) -> None:
    """Accept the audit log that a partner has opened after a loss; ask its admin what was lost."""
    from node.operations.peers import NamedPeer, PeerLog

    result = run_operation("peer.approve-log", NamedPeer(organisation=organisation), PeerLog)

    def people() -> None:
        if result.before == result.now:
            line(f"{organisation} still has the log {result.now}")
            return
        line(f"{organisation} has the log {result.now} now")
        line(f"of {result.before} {result.seen} leaves were seen here; their receipts stay valid")

    finish(result, people, next_step="interlingua partners")


def _change(operation: str, organisation: str, next_step: str) -> None:
    from node.operations.peers import NamedPeer, PeerInfo

    result: PeerInfo = run_operation(operation, NamedPeer(organisation=organisation), PeerInfo)
    finish(
        result,
        lambda: line(f"{result.organisation} is {result.state}"),
        next_step=f"{next_step} {organisation}" if "resume" in next_step else next_step,
    )


def _read(source: str) -> str:
    if source == "-":
        return sys.stdin.read()
    path = Path(source)
    if not path.is_file():
        raise typer.BadParameter(f"there is no file {source}", param_hint="CARD")
    try:
        return path.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{source} is not a bundle", param_hint="CARD") from None


def _date(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%MZ")
