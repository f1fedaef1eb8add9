"""`interlingua audit export` and `audit verify BUNDLE`: a part of the log for somebody else.

Rule of this file: verifying reads the bundle and nothing of a node.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.instants import instant, parse_instant
from node.cli.invocation import current
from node.cli.output import finish, line, note
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.operations.audit_bundle import BundleVerified
    from protocol.witness_policy import WitnessPolicy

EXITS = {
    "WITNESSED": ExitCode.OK,
    "SELF-SIGNED": ExitCode.OK,
    "DIVERGED": ExitCode.DIVERGED,
    "INVALID": ExitCode.UNVERIFIED,
}


def export(
    out: Annotated[
        Path, typer.Option(help="The bundle to write; nothing is overwritten.", dir_okay=False)
    ],
    first: Annotated[
        int, typer.Option("--from", min=0, help="Index of the first leaf of the part.")
    ] = 0,
    last: Annotated[
        int | None,
        typer.Option("--to", min=0, help="Index of its last leaf. Default: the newest there is."),
    ] = None,
    peer: Annotated[
        str | None, typer.Option(help="In clear only leaves about this partner.")
    ] = None,
    purpose: Annotated[
        str | None, typer.Option(help="In clear only leaves of questions for this purpose.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="In clear only from then on: 2026-04-01, 24h, 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="In clear only before then.")] = None,
    wait: Annotated[
        float,
        typer.Option(
            min=0, help="Seconds to wait for cosignatures, where the node runs and has witnesses."
        ),
    ] = 20.0,
) -> None:
    """Write a part of the log to a file that proves itself, and log that it was handed out."""
    from node.audit.export import kept_roots
    from node.cli.new_file import new_file
    from node.cli.run import run_operation
    from node.data_directory import DataDirectory
    from node.operations.audit_export import (
        ExportLeaves,
        ExportLogged,
        wait_for_witnesses,
        write_bundle_file,
    )
    from protocol.bundle import roots_digest

    data = DataDirectory(current().data)
    data.require()
    roots = kept_roots(data, peer)
    request = ExportLeaves(
        begins=first,
        ends=None if last is None else last + 1,
        peer=peer,
        purpose=purpose,
        since=parse_instant(since),
        until=parse_instant(until),
        roots=roots_digest(roots.raws),
    )
    with new_file(out) as file:
        logged = run_operation("audit.export", request, ExportLogged)
        wait_for_witnesses(data, logged.index, wait)
        written = write_bundle_file(data, logged, roots.raws, out.absolute(), file)
    result = written.model_copy(update={"warnings": roots.warnings})

    def people() -> None:
        for warning in result.warnings:
            note(f"warning: {warning}")
        line(f"{result.file}: {result.bytes} bytes, mode 0600")
        line(
            f"leaves {span(result.begins, result.ends)}: {result.clear} in clear, "
            f"{result.hidden} as hashes; {result.root_documents} root documents"
        )
        line(f"logged    as leaf {result.index}")

    written_to = shlex.quote(str(out))
    finish(result, people, next_step=f"interlingua audit verify {written_to} --root 'FINGERPRINT'")


def verify(
    bundle: Path,
    fingerprints: Sequence[str],
    seen: Sequence[Path],
    policy: WitnessPolicy | None = None,
) -> None:
    """Verify a bundle and show what it proves."""
    from node.operations.audit_bundle import verify_bundle

    result = verify_bundle(bundle, tuple(fingerprints), tuple(seen), policy)
    whole = result.verdict in ("WITNESSED", "SELF-SIGNED")
    finish(
        result,
        lambda: _say(result),
        next_step=f"interlingua audit reconcile {shlex.quote(str(bundle))} BUNDLE_OF_THE_OTHER_SIDE"
        if whole
        else "keep the bundle as it is",
        exit_code=EXITS[result.verdict],
    )


def _say(result: BundleVerified) -> None:
    if result.origin is None:  # nothing that a bundle tells could be read
        _say_findings(result)
        line(f"verdict   {result.verdict}")
        note("A log.db is verified with --log, a receipt with --receipt.")
        return
    line(f"log       {result.origin}")
    if result.part is not None:
        line(f"leaves    {span(result.part.begins, result.part.ends)} of {result.size}")
        line(f"exported  by {result.part.by}, leaf {result.part.index}")
    line("types     " + ", ".join(f"{n} {name}" for name, n in result.leaves.items()))
    line(
        f"requests  {result.requests} signatures checked, {result.requests_bound} by keys in the "
        "root documents of the bundle"
    )
    line(
        f"receipts  {result.receipts_named} named, {result.receipts_proved} proved by log keys "
        f"here, {result.receipts_witnessed} witnessed"
    )
    _say_findings(result)
    if result.compared or result.not_compared:
        line(f"seen      {result.compared} checkpoints from elsewhere compared")
    for why in result.not_compared:
        line(f"seen      not compared: {why}")
    line(f"complete  {result.completeness}")
    line(f"root key  {result.fingerprint}")
    for name, at in result.cosigned_by.items():
        line(f"cosigned  by {name} at {instant(at)}; {result.needed} needed beside the two parties")
    for key in result.witnesses_withdrawn:
        line(f"cosigned  counts for nothing, revoked by its owner's root document: {key}")
    line(f"verdict   {result.verdict}")
    _say_what_it_rests_on(result)


def _say_findings(result: BundleVerified) -> None:
    for found in result.findings:
        place = "" if found.index is None else f" leaf {found.index}:"
        line(f"WRONG     {found.kind}:{place} {found.detail}")
    if result.findings_total > len(result.findings):
        line(f"WRONG     and {result.findings_total - len(result.findings)} more")


def span(begins: int, ends: int) -> str:
    """Return the leaves from the first up to and without the second, in words."""
    return f"{begins} to {ends - 1}" if begins < ends else "none"


def _say_what_it_rests_on(result: BundleVerified) -> None:
    if not result.root_given:
        note(
            "The root key was taken from the bundle itself, which anybody could have made. Compare "
            "its fingerprint with what the owner says, and give it with --root."
        )
    unknown = result.requests - result.requests_bound
    if unknown:
        note(f"Whose key signed is not known for {unknown} requests.")
    if result.verdict == "SELF-SIGNED":
        note(
            f"SELF-SIGNED: {result.self_signed_because}. That it was never rewritten as a whole is "
            "shown by witnesses whose keys you give (--witness, --root), or by checkpoints and "
            "receipts that others hold (--seen)."
        )
