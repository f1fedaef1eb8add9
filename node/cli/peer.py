"""`interlingua peer`: whom this node trusts. The verbs that lead to a partnership: `pairing.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.cli import pairing
from node.cli.dates import minute
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.pairing import Name
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.peer_info import PeerInfo
    from node.operations.peers import PeerList

app = VerbGroup(help="Partners: invite, request, approve, test, pause, revoke.")

for _verb in (
    pairing.invite,
    pairing.request,
    pairing.receive,
    pairing.approve,
    pairing.invitations,
    pairing.uninvite,
):
    app.command()(_verb)


@app.command("list")
def list_() -> None:
    """List partners and their states, and the words of those that wait for approval."""
    from node.operations.peers import PeerList
    from node.operations.registry import NoRequest

    result = run_operation("peer.list", NoRequest(), PeerList)

    def people() -> None:
        table(
            ("ORGANISATION", "STATE", "URL", "ROOT", "CARD UNTIL", "WORDS"),
            [
                (
                    p.organisation,
                    p.state,
                    p.url or "only asks",
                    f"v{p.root_version}",
                    minute(p.card_expires),
                    (p.words or "") if p.state == "pending" else "",
                )
                for p in result.peers
            ],
        )

    finish(result, people, next_step=_after_list(result))


def _after_list(result: PeerList) -> str:
    """What waits comes first: nobody is asked or answered before the approval."""
    waiting = [p.organisation for p in result.peers if p.state == "pending"]
    if waiting:
        return f'interlingua peer approve {waiting[0]} --words "what its admin read out"'
    return "interlingua partners" if result.peers else "interlingua peer invite --for ORGANISATION"


@app.command()
def show(organisation: Name) -> None:
    """Show one partner: state, words, fingerprint, documents."""
    from node.operations.peer_info import PeerInfo
    from node.operations.peers import NamedPeer

    result = run_operation("peer.show", NamedPeer(organisation=organisation), PeerInfo)

    def people() -> None:
        line(f"{result.organisation} is {result.state} since {minute(result.changed_at)}")
        line(f"url: {result.url or 'none, it only asks'}")
        line(f"words of the pairing: {result.words or 'none, it was added before pairings'}")
        line(f"fingerprint of its root key: {result.fingerprint}")
        line(f"root document: version {result.root_version}, until {minute(result.root_expires)}")
        line(f"card: serial {result.card_serial}, until {minute(result.card_expires)}")
        line(f"spaces: {len(result.spaces)}")

    finish(result, people, next_step=f"interlingua peer test {organisation}")


@app.command("test")
def test_(organisation: Name) -> None:
    """Check everything between this node and one partner; exit code 1 when there is a problem."""
    from node.cli.findings import show_findings
    from node.doctor.finding import Diagnosis
    from node.operations.peers import NamedPeer

    diagnosis = run_operation("peer.test", NamedPeer(organisation=organisation), Diagnosis)
    show_findings(diagnosis, "interlingua partners")


@app.command()
def pause(organisation: Name) -> None:
    """Answer a partner nothing until it is resumed; takes effect at once."""
    _change("peer.pause", organisation, f"interlingua peer resume {organisation}")


@app.command()
def resume(organisation: Name) -> None:
    """End a partner's pause."""
    _change("peer.resume", organisation, "interlingua peer list")


@app.command()
def revoke(organisation: Name) -> None:
    """End a partnership, also for questions under way; only a new pairing begins it again."""
    _change("peer.revoke", organisation, "interlingua peer list")


@app.command()
def remove(organisation: Name) -> None:
    """Revoke a partner, or refuse one that is pending, and forget it."""
    from node.operations.peer_info import PeerInfo
    from node.operations.peers import NamedPeer

    result = run_operation("peer.remove", NamedPeer(organisation=organisation), PeerInfo)
    finish(
        result,
        lambda: line(f"{result.organisation} is no partner any more"),
        next_step="interlingua policy show (grants to it stay until they are taken out)",
    )


@app.command()
def refresh(organisation: Name) -> None:
    """Fetch a partner's root document and card now."""
    from node.operations.peers import NamedPeer, PeerRefreshed

    result = run_operation("peer.refresh", NamedPeer(organisation=organisation), PeerRefreshed)

    def people() -> None:
        if result.problem:
            note(f"not fetched: {result.problem}")
        line(f"root v{result.root_version}, card until {minute(result.card_expires)}")

    finish(result, people, next_step="interlingua partners")


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
    from node.operations.peer_info import PeerInfo
    from node.operations.peers import NamedPeer

    result: PeerInfo = run_operation(operation, NamedPeer(organisation=organisation), PeerInfo)
    finish(result, lambda: line(f"{result.organisation} is {result.state}"), next_step=next_step)
