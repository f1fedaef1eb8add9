"""`interlingua audit`: who asked what of whom, and whether the log proves it.

Rule of this file: these verbs read log.db themselves. They work while the node runs, while it is
stopped, and when the log is so damaged that no node would open it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli import (
    audit_actor,
    audit_bundle,
    audit_content,
    audit_fork,
    audit_reconcile,
    audit_report,
    audit_search,
    audit_witness,
)
from node.cli.given_file import only_files
from node.cli.instants import instant
from node.cli.invocation import VerbGroup, current
from node.cli.output import finish, line, note
from node.cli.own_log import LogOption, of_log, own_log
from node.cli.progress import shown_progress
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.audit.given_root import GivenRoot
    from node.operations.audit import LogExamined, LogVerified
    from protocol.witness_policy import WitnessPolicy

app = VerbGroup(help="The audit log: read it, prove it, hand out parts of it, check its file.")
app.command()(audit_search.search)
app.command()(audit_report.report)
app.command("open-actor")(audit_actor.open_actor)
app.command()(audit_bundle.export)
app.command()(audit_reconcile.reconcile)
app.command()(audit_content.content)
app.command()(audit_content.erase)
app.add_typer(audit_witness.app, name="witness")

KeyOption = Annotated[
    str | None,
    typer.Option(help="Verifier key of the log, as its owner gave it: name+id+key."),
]
WitnessOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY",
        help="Key of a witness, as its organisation told it: name+id+key; several may be given. "
        "With BUNDLE, --root of its organisation does as well.",
    ),
]
NeededOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Organisations other than the two parties that must have cosigned. "
        "Default: 1; for the node's own log as its settings say.",
    ),
]
RootOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FINGERPRINT|FILE",
        help="With BUNDLE: fingerprint of a root key, as its owner told it; once for each "
        "organisation. With --log or --receipt: file of the owner's newest root document.",
    ),
]


@app.command()
def verify(
    bundle: Annotated[
        Path | None,
        typer.Argument(
            help="A bundle that `audit export` wrote, or evidence of a fork; needs no node "
            "and no data directory.",
            exists=True,
            dir_okay=False,
            callback=only_files,
        ),
    ] = None,
    log: LogOption = None,
    receipt: Annotated[
        Path | None,
        typer.Option(
            help="One receipt (leaf and tlog-proof) that an asker kept; needs --log-key or --root.",
            exists=True,
            dir_okay=False,
            callback=only_files,
        ),
    ] = None,
    log_key: KeyOption = None,
    root: RootOption = None,
    witness: WitnessOption = None,
    needed: NeededOption = None,
    seen: Annotated[
        list[Path] | None,
        typer.Option(
            help="A checkpoint or receipt of the log that somebody else holds, to compare.",
            exists=True,
            dir_okay=False,
            callback=only_files,
        ),
    ] = None,
) -> None:
    """Derive the log again from its leaves and check every signature; or a bundle; or a receipt."""
    from node.operations.audit import given_policy, verify_directory, verify_file
    from node.operations.audit_bundle import checkpoints_of

    policy = given_policy(witness or (), needed)
    if bundle is not None:
        if log is not None or receipt is not None:
            raise typer.BadParameter("it is verified by itself", param_hint="BUNDLE")
        if audit_fork.is_fork(bundle):
            audit_fork.verify(bundle, root or (), log_key)
            return
        if log_key is not None:
            raise typer.BadParameter("a bundle is verified with --root", param_hint="--log-key")
        audit_bundle.verify(bundle, root or (), seen or (), policy)
        return
    if seen and receipt is not None:
        raise typer.BadParameter("it goes with a bundle or a log", param_hint="--seen")
    if root and (log_key is not None or (log is None and receipt is None)):
        raise typer.BadParameter(
            "it goes with BUNDLE, --log or --receipt, and without --log-key", param_hint="--root"
        )
    given = _given_root(_root_file(root)) if root else None
    if receipt is not None:
        _verify_receipt(receipt, log_key, given, policy)
        return
    with shown_progress(current()) as progress:
        others = checkpoints_of(seen or ())
        if log is not None:
            result = verify_file(log, log_key, progress, given, policy, others)
        else:
            home = own_log().parent
            result = verify_directory(home, log_key, progress, policy=policy, seen=others)
    finish(
        result,
        lambda: _say_verified(result),
        next_step=f"interlingua audit search{of_log(log)}"
        if result.whole
        else "keep log.db for the auditor",
        exit_code=audit_bundle.EXITS[result.verdict],
    )


@app.command()
def receipt(
    index: Annotated[
        int, typer.Argument(min=0, max=2**53 - 1, help="The leaf's index in `audit search`.")
    ],
    log: LogOption = None,
) -> None:
    """Print a receipt to keep: the partner's for a `received` leaf, else this log's own."""
    from node.audit.receipts import export_receipt
    from node.operations.audit import ReceiptExported
    from node.operations.errors import NotFound

    try:
        content = export_receipt(log or own_log(), index).decode("utf-8")
    except LookupError as error:
        raise NotFound(
            f"There is no such receipt: {error}.", fix="See `interlingua audit search`."
        ) from None
    finish(
        ReceiptExported(index=index, receipt=content),
        lambda: typer.echo(content, nl=False),
        next_step="interlingua audit verify --receipt FILE --root ROOT.json (its log's owner"
        " publishes that at /.well-known/interlingua-root)",
    )


@app.command()
def fsck(log: LogOption = None) -> None:
    """Examine whether log.db is whole: leaves, subtree hashes, root, checkpoints."""
    from node.operations.audit import examine_file

    with shown_progress(current()) as progress:
        result = examine_file(log or own_log(), progress)
    finish(
        result,
        lambda: _say_examined(result),
        next_step=f"interlingua audit verify{of_log(log)}"
        if result.whole
        else "keep log.db for the auditor",
        exit_code=ExitCode.OK if result.whole else ExitCode.UNVERIFIED,
    )


def _say_examined(result: LogExamined) -> None:
    line(f"log       {result.origin}")
    line(f"key       {result.verifier_key}")
    for key in result.log_keys[:-1]:
        line(f"key before {key.kid}: {key.from_size} to {key.until_size} leaves")
    line(f"leaves    {result.size}, checkpoints {result.checkpoints}")
    line(f"root      {result.root}")
    for found in result.findings:
        place = "" if found.index is None else f" leaf {found.index}:"
        line(f"WRONG     {found.kind}:{place} {found.detail}")
    if result.findings_total > len(result.findings):
        line(f"WRONG     and {result.findings_total - len(result.findings)} more")
    line("whole" if result.whole else f"NOT whole: {result.findings_total} findings")


def _say_verified(result: LogVerified) -> None:
    for warning in result.warnings:
        note(f"warning: {warning}")
    _say_examined(result)
    line("types     " + ", ".join(f"{n} {name}" for name, n in result.leaves.items()))
    line(
        f"requests  {result.requests} signatures checked, {result.requests_bound} by keys in a "
        "known root document"
    )
    line(
        f"receipts  {result.receipts} of {result.receipts_named} kept, {result.receipts_proved} "
        f"proved by a known log key, {result.receipts_witnessed} witnessed"
    )
    line(f"answers   {result.confirmed} acknowledged by partners, {result.unconfirmed} not")
    line(f"witnessed {result.witnessed} of {result.size} leaves, {result.needed} needed")
    for name, at in result.cosigned_by.items():
        line(f"cosigned  by {name}, last at {instant(at)}")
    if result.predecessor is not None:
        before = result.predecessor
        line(
            f"succeeds  {before.origin}: {before.size} leaves are left, {before.lost} or more were "
            "lost" + (" (compared with predecessors/)" if before.compared else "")
        )
    if result.compared or result.not_compared:
        line(f"seen      {result.compared} checkpoints from elsewhere compared")
    for why in result.not_compared:
        line(f"seen      not compared: {why}")
    line(f"log key   from: {result.log_key_from}")
    _say_fingerprint(result.fingerprint)
    line(f"verdict   {result.verdict}")
    if result.verdict == "SELF-SIGNED":
        note(
            "SELF-SIGNED: the log agrees with itself and its owner's key, and "
            f"{result.self_signed_because}. That it was never rewritten as a whole is shown only "
            "by what others hold."
        )


def _say_fingerprint(fingerprint: str | None) -> None:
    if fingerprint is not None:
        note(f"Compare the fingerprint of its root key with what its owner says: {fingerprint}")


def _root_file(named: list[str]) -> Path:
    path = Path(named[0])
    if len(named) > 1 or not path.is_file():
        raise typer.BadParameter(
            "names one file with --log or --receipt: the owner's root document", param_hint="--root"
        )
    return path


def _given_root(path: Path) -> GivenRoot:
    from node.audit.given_root import read_root
    from node.operations.errors import NotVerified
    from node.operations.given_file import read_given
    from protocol.root import RootRefused

    try:
        return read_root(read_given(path))
    except RootRefused as error:
        raise NotVerified(
            f"This is no root document: {error}.",
            fix="Fetch it again: https://OWNER/.well-known/interlingua-root",
            code="root-refused",
        ) from error


def _verify_receipt(
    path: Path, log_key: str | None, root: GivenRoot | None, policy: WitnessPolicy | None
) -> None:
    from node.audit.receipts import check_receipt, checkpoint_in
    from node.operations.audit import ReceiptVerified, parse_log_key
    from node.operations.errors import InvalidRequest, NotVerified
    from node.operations.given_file import read_given
    from protocol.log_errors import LogMaterialError
    from protocol.log_keys import LogKeys
    from protocol.witness_policy import NOBODY

    given = parse_log_key(log_key)
    if given is None and root is None:
        raise InvalidRequest(
            "A receipt is checked against the key of the log that issued it.",
            fix="Give --root, or --log-key: the partner's auditor or `interlingua audit fsck` "
            "there names it.",
        )
    try:
        content = read_given(path)
        if root is not None:
            keys = root.log_keys_of(checkpoint_in(content))
        elif given is not None:
            keys = LogKeys.single(given)
        checked = check_receipt(content, keys, policy or NOBODY)
    except LogMaterialError as error:
        raise NotVerified(
            f"The receipt does not verify under what was given: {error}.",
            fix="Compare the log key or root document with its owner; then ask who gave you the "
            "file for the whole answer.",
            code=error.reason,
        ) from error
    fingerprint = root.fingerprint if root is not None else None
    result = ReceiptVerified.of(checked, keys.origin, log_key, fingerprint)

    def people() -> None:
        line(f"leaf {result.index} of {result.size} in {result.origin}: {result.type}")
        line(
            "the answer itself was " + ("checked" if result.payload_checked else "not in the file")
        )
        _say_fingerprint(result.fingerprint)
        told = ", ".join(result.witnesses) or "nobody whose key was given"
        line(f"cosigned  by {told}, not counting the two parties; {result.needed} needed")
        line(f"verdict   {result.verdict}")

    finish(result, people, next_step="compare with `interlingua audit search` on both sides")
