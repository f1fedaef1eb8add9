"""`interlingua audit witness`: who cosigns this node's log, and how far."""

from __future__ import annotations

from node.cli.instants import instant
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation

app = VerbGroup(help="Witnesses: partners that cosign this node's log.")


@app.command("list")
def list_() -> None:
    """Show each witness: how far it has cosigned, how far behind it is, and what went wrong."""
    from node.operations.audit_witness import Witnesses
    from node.operations.registry import NoRequest

    result = run_operation("audit.witness", NoRequest(), Witnesses)

    def people() -> None:
        table(
            ("WITNESS", "ASKED", "LEAVES", "BEHIND", "AT (UTC)", "PROBLEM"),
            [
                (
                    each.organisation,
                    "yes" if each.asked else "no",
                    each.size,
                    each.lag,
                    instant(each.at) if each.at is not None else "never",
                    each.problem or "",
                )
                for each in result.witnesses
            ],
        )
        line(f"own log   {result.size} leaves; {result.needed} needed beside the two parties")
        for receipts in result.receipts:
            if receipts.waiting:
                line(
                    f"receipts  of {receipts.organisation}: {receipts.waiting} or more wait: "
                    f"{receipts.problem}"
                )
        for cosigned in result.cosigned_here:
            line(f"cosigned  {cosigned.origin}: {cosigned.size} leaves, {instant(cosigned.at)}")
        if not result.offers:
            line("this node cosigns for nobody (witness.offer, or it has no witness key)")
        for fork in result.forks:
            note(f"FORK      {fork.origin}: {fork.file}")

    forked = result.forks[0].file if result.forks else None
    finish(
        result,
        people,
        next_step=f"interlingua audit verify {forked} --root 'FINGERPRINT'"
        if forked
        else "interlingua audit verify",
    )


@app.command()
def keys() -> None:
    """Print the keys of witnesses, the own one first, for `audit verify --witness`."""
    from node.operations.audit_witness import WitnessKeys
    from node.operations.registry import NoRequest

    result = run_operation("audit.witness-keys", NoRequest(), WitnessKeys)

    def people() -> None:
        for each in result.keys:
            line(each.key)

    finish(
        result,
        people,
        next_step="interlingua audit verify --receipt FILE --root ROOT.json --witness KEY",
    )
