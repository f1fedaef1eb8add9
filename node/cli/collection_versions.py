"""`interlingua collection migrate|cutover|rollback|retire`: another model for a collection.

docs/upgrading-models.md walks through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.course import duration
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.migration import Migrated, MigrationEstimate, Switched
    from node.operations.retiring import Retired

NameArgument = Annotated[str, typer.Argument(help="Name of the collection.", show_default=False)]


def migrate(
    name: NameArgument,
    to: Annotated[str, typer.Option(help="Encoder of the new model; see `encoder list`.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Encode a sample and estimate; store nothing.")
    ] = False,
    rate: Annotated[
        int, typer.Option(min=0, help="Documents a second at most; 0: as fast as the model.")
    ] = 0,
    price: Annotated[
        float | None, typer.Option(min=0, help="With --dry-run: price of a million tokens.")
    ] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Begin without documents that have no text.")
    ] = False,
) -> None:
    """Build a version by another encoder beside the one that serves; repeating it goes on."""
    from node.operations.migration import (
        EstimateMigration,
        Migrate,
        Migrated,
        MigrationEstimate,
    )

    if dry_run:
        request = EstimateMigration(collection=name, to=to, rate=rate, price=price)
        estimate = run_operation("collection.estimate", request, MigrationEstimate)
        finish(
            estimate,
            lambda: show_estimate(estimate),
            next_step=f"interlingua collection migrate {name} --to {to}",
        )
        return
    if price is not None:
        raise typer.BadParameter("needs --dry-run", param_hint="--price")
    wanted = Migrate(collection=name, to=to, rate=rate, leave_out=leave_out)
    result = run_operation("collection.migrate", wanted, Migrated)
    whole = result.covered == result.documents
    finish(
        result,
        lambda: show_migrated(result),
        next_step=f"interlingua collection judge {name}"
        if whole
        else f"interlingua catalog {name}",
        exit_code=ExitCode.OK if whole else ExitCode.PARTIAL,
    )


def cutover(
    name: NameArgument,
    version: Annotated[
        str | None, typer.Option(help="The version that is to answer; default: the only new one.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overrule what stands against it; that is logged.")
    ] = False,
) -> None:
    """Let the new version answer from now on; the former one is kept and can be gone back to."""
    from node.operations.migration import Switched, SwitchVersion

    request = SwitchVersion(collection=name, version=version, force=force)
    result = run_operation("collection.cutover", request, Switched)
    finish(
        result, lambda: _show_switched(result), next_step=f"interlingua collection rollback {name}"
    )


def rollback(name: NameArgument) -> None:
    """Let the former version answer again."""
    from node.operations.migration import RolledBack, Switched

    result = run_operation("collection.rollback", RolledBack(collection=name), Switched)
    finish(result, lambda: _show_switched(result), next_step=f"interlingua catalog {name}")


def retire(
    name: NameArgument,
    version: Annotated[str, typer.Argument(help="A version that does not serve, such as v1.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Although partners can ask only by it; is logged.")
    ] = False,
) -> None:
    """Delete the vectors and index files of a version that does not serve."""
    from node.operations.retiring import Retired, RetireVersion

    if not yes:
        asked = f"Delete the vectors of {version} of {name}? There is no way back to it."
        typer.confirm(asked, abort=True, err=True)
    request = RetireVersion(collection=name, version=version, force=force)
    result = run_operation("collection.retire", request, Retired)
    finish(
        result,
        lambda: _show_retired(result),
        next_step=f"interlingua encoder remove {result.encoder}",
    )


def show_estimate(one: MigrationEstimate) -> None:
    """Show what a migration would take."""
    rows: list[tuple[str, object]] = [
        ("documents", one.documents),
        ("without a text", one.without_text),
        ("pieces", one.chunks),
        ("tokens", one.tokens),
        ("time", duration(one.seconds)),
    ]
    if one.bytes:
        size = f"{one.bytes / 1e6:.1f} MB in store.db, and twice that for the index"
        rows.append(("vectors", size))
    if one.cost is not None:
        rows.append(("cost", f"{one.cost:.2f}"))
    table(("ESTIMATE", "VALUE"), rows)
    line(f"from {one.sample} documents that were encoded now")
    if one.unnamed:
        note(f"no text to encode: {', '.join(one.unnamed)}")


def show_migrated(one: Migrated) -> None:
    """Show how far a version is filled."""
    line(
        f"{one.version} ({one.encoder}) is {one.state}: {one.covered} of {one.documents} documents"
        " have vectors in it"
    )
    if one.without_text:
        line(f"{one.without_text} documents have no text")
    for document, cause in one.refused.items():
        line(f"{document}: {cause}")


def _show_retired(one: Retired) -> None:
    line(f"{one.version} of {one.collection} is retired ({one.encoder})")
    if one.brought_on is not None:
        line(f"what is asked in its space is carried on over a bridge: {one.brought_on:.0%} agree")
    if one.forced:
        line(f"forced against: {one.forced}")


def _show_switched(one: Switched) -> None:
    line(f"{one.serving} ({one.encoder}) answers for {one.collection}")
    if one.former:
        line(f"{one.former} is kept, and answers those who ask in its space alone")
    if one.forced:
        line(f"forced against: {one.forced}")
