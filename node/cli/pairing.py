"""The verbs of `interlingua peer` that lead to a partnership: invite, request, receive, approve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.dates import minute
from node.cli.instants import parse_duration
from node.cli.new_file import require_new
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.peer_info import PeerInfo

Name = Annotated[str, typer.Argument(metavar="ORGANISATION", help="The partner's name.")]
Words = Annotated[str, typer.Option(help="The six words that the partner's admin read out.")]
Private = Annotated[
    bool, typer.Option("--allow-private", help="Permit addresses in private ranges, and loopback.")
]
Plaintext = Annotated[bool, typer.Option("--allow-plaintext", help="Permit http beyond loopback.")]
Authorities = Annotated[
    Path | None,
    typer.Option(help="PEM file of the authorities that may certify this partner.", exists=True),
]


def invite(
    organisation: Annotated[
        str | None, typer.Option("--for", help="Who may answer it; default: whoever holds it.")
    ] = None,
    valid: Annotated[str, typer.Option(help="How long it is good: 12h, 3d; at most 30d.")] = "3d",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a file that works with no node reachable."),
    ] = None,
    allow_private: Private = False,
    allow_plaintext: Plaintext = False,
    ca: Authorities = None,
) -> None:
    """Make an invitation to a partnership: good once, and for a time."""
    from node.operations.pairing import Invite, NewInvitation

    require_new(output)
    request = Invite(
        organisation=organisation,
        valid_s=_good_for(valid),
        allow_private=allow_private,
        allow_plaintext=allow_plaintext,
        ca_file=ca.absolute() if ca else None,
    )
    made = run_operation("pairing.invite", request, NewInvitation)
    if output is not None:
        output.write_text(made.file + "\n", "utf-8")

    def people() -> None:
        if output is None:
            line(made.text)
        note(f"invitation {made.id}, good once until {minute(made.expires)}")
        if made.url is None and output is None:
            note("This node cannot be reached: give the file instead (--output FILE).")

    shown = str(output) if output else "INVITATION"
    finish(made, people, next_step=f"on the partner's node: interlingua peer request {shown}")


def request(
    invitation: Annotated[
        str, typer.Argument(help="The line, a file that holds it, or - for standard input.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Send nothing; write the request to this file."),
    ] = None,
    allow_private: Private = False,
    allow_plaintext: Plaintext = False,
    ca: Authorities = None,
) -> None:
    """Answer an invitation; both sides then compare six words and approve."""
    from node.operations.pairing import PairingRequested, RequestPairing

    require_new(output)
    asked = RequestPairing(
        invitation=_read(invitation, "INVITATION"),
        send=output is None,
        allow_private=allow_private,
        allow_plaintext=allow_plaintext,
        ca_file=ca.absolute() if ca else None,
    )
    result = run_operation("pairing.request", asked, PairingRequested)
    if output is not None:
        output.write_text(result.request + "\n", "utf-8")
        note(f"On the inviter's node: interlingua peer receive {output}")
    finish(
        result,
        lambda: _pending(result),
        next_step=_approval(result.organisation),
    )


def receive(
    file: Annotated[str, typer.Argument(help="The request file, or - for standard input.")],
) -> None:
    """Take a request that came by mail in answer to an invitation."""
    from node.operations.pairing import ReceivedRequest
    from node.operations.peer_info import PeerInfo

    received = ReceivedRequest(request=_read(file, "FILE"))
    result = run_operation("pairing.receive", received, PeerInfo)
    finish(
        result,
        lambda: _pending(result),
        next_step=_approval(result.organisation),
    )


def approve(organisation: Name, words: Words) -> None:
    """Make a pending partner active, by the words that its admin read out."""
    from node.operations.pairing import Approve
    from node.operations.peer_info import PeerInfo

    result = run_operation(
        "pairing.approve", Approve(organisation=organisation, words=words), PeerInfo
    )
    finish(
        result,
        lambda: line(f"{result.organisation} is {result.state}"),
        next_step=f"interlingua policy apply GRANTS.toml (what it may ask); interlingua peer test "
        f"{organisation}",
    )


def invitations() -> None:
    """List invitations, and what became of them."""
    from node.operations.pairing import InvitationList
    from node.operations.registry import NoRequest

    result = run_operation("pairing.invitations", NoRequest(), InvitationList)

    def people() -> None:
        table(
            ("ID", "STATE", "FOR", "GOOD UNTIL", "USED BY", "OUTCOME"),
            [
                (
                    each.id,
                    each.state,
                    each.organisation or "",
                    minute(each.expires),
                    each.used_by or "",
                    each.outcome or "",
                )
                for each in result.invitations
            ],
        )

    finish(result, people, next_step="interlingua peer uninvite ID")


def uninvite(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `peer invitations` shows it.")],
) -> None:
    """Withdraw an invitation."""
    from node.operations.pairing import InvitationInfo, NamedInvitation

    result = run_operation("pairing.uninvite", NamedInvitation(id=id_), InvitationInfo)
    finish(
        result,
        lambda: line(f"invitation {result.id} is withdrawn"),
        next_step="interlingua peer invitations",
    )


def _pending(peer: PeerInfo) -> None:
    line(f"{peer.organisation} is pending")
    line(f"reached at: {peer.url or 'nowhere, it only asks'}")
    line(f"words: {peer.words}")
    note("Read them to its admin, and let its admin read them to you, where you know each other.")


def _approval(organisation: str) -> str:
    return f'interlingua peer approve {organisation} --words "what its admin read out"'


def _read(source: str, argument: str) -> str:
    """The content of a file or of standard input; an invitation may stand there itself."""
    from protocol.invitation import PREFIX

    if source.startswith(PREFIX):
        return source
    if source == "-":
        return sys.stdin.read()
    path = Path(source)
    try:
        there = path.is_file()
    except OSError:  # longer than names of files are: an invitation that was not copied whole
        told = f"it is no file, and no invitation: that begins {PREFIX}"
        raise typer.BadParameter(told, param_hint=argument) from None
    if not there:
        raise typer.BadParameter(f"there is no file {source}", param_hint=argument)
    try:
        return path.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{source} is no text", param_hint=argument) from None


def _good_for(valid: str) -> int:
    """Seconds for which an invitation is good."""
    from protocol.limits import INVITATION_LIFETIME_S

    seconds = parse_duration(valid)
    if not 60 <= seconds <= INVITATION_LIFETIME_S:
        raise typer.BadParameter("an invitation is good for 1m to 30d", param_hint="--valid")
    return seconds
