"""`interlingua collection migrate|cutover|rollback|retire`: another model for a collection.

docs/upgrading-models.md walks through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.collection_filling import (
    DryRunOption,
    LeaveOutOption,
    NameArgument,
    PriceOption,
    RateOption,
    ToOption,
    estimated,
    filled,
)
from node.cli.output import finish, line
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.migration import Switched
    from node.operations.retiring import Retired


def migrate(
    name: NameArgument,
    to: ToOption,
    dry_run: DryRunOption = False,
    rate: RateOption = 0,
    price: PriceOption = None,
    leave_out: LeaveOutOption = False,
) -> None:
    """Build a version by another encoder beside the one that serves; repeating it goes on."""
    from node.operations.migration import Migrate

    if not estimated("migrate", name, to, dry_run, rate, price):
        request = Migrate(collection=name, to=to, rate=rate, leave_out=leave_out)
        filled("collection.migrate", request, f"interlingua collection judge {name}")


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
        next_step=f"interlingua collection compact {name}",
    )


def _show_retired(one: Retired) -> None:
    line(
        f"{one.version} of {one.collection} is retired ({one.encoder}); its files are gone, and"
        " store.db gives back what its vectors took when it is compacted"
    )
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
