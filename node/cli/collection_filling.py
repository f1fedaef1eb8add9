"""What the verbs that fill a version share: options, the dry run, and how far the version came.

`migrate`, `both` and `progressive` build one by another encoder; they differ in who answers
meanwhile. docs/upgrading-models.md says which is for what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.course import duration
from node.cli.output import finish, line, note, table
from node.cli.partner_routes import show_partner_routes
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.migration import Migrate, Migrated, MigrationEstimate

NameArgument = Annotated[str, typer.Argument(help="Name of the collection.", show_default=False)]
ToOption = Annotated[str, typer.Option(help="Encoder of the new model; see `encoder list`.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Encode a sample and estimate; store nothing.")
]
RateOption = Annotated[
    int, typer.Option(min=0, help="Documents a second at most; 0: as fast as the model.")
]
PriceOption = Annotated[
    float | None, typer.Option(min=0, help="With --dry-run: price of a million tokens.")
]
LeaveOutOption = Annotated[
    bool, typer.Option("--leave-out", help="Begin without documents that have no text.")
]


def estimated(verb: str, name: str, to: str, dry_run: bool, rate: int, price: float | None) -> bool:
    """Show what a dry run found; False where it is none."""
    from node.operations.migration import EstimateMigration, MigrationEstimate

    if not dry_run:
        require_no_price(price)
        return False
    request = EstimateMigration(collection=name, to=to, rate=rate, price=price)
    estimate = run_operation("collection.estimate", request, MigrationEstimate)
    finish_estimate(estimate, verb, name, to)
    return True


def finish_estimate(estimate: MigrationEstimate, verb: str, name: str, to: str) -> None:
    """Show what a verb would take; it comes next, without --dry-run."""
    step = f"interlingua collection {verb} {name} --to {to}"
    finish(estimate, lambda: _show_estimate(estimate), next_step=step)


def require_no_price(price: float | None) -> None:
    """A price says something only where costs are estimated."""
    if price is not None:
        raise typer.BadParameter("needs --dry-run", param_hint="--price")


def filled(operation: str, request: Migrate, next_step: str) -> None:
    """Fill a version, and show how far it came; `next_step` where it is whole."""
    from node.operations.migration import Migrated

    result = run_operation(operation, request, Migrated)
    whole = result.covered == result.documents
    finish(
        result,
        lambda: _show_migrated(result),
        next_step=next_step if whole else f"interlingua catalog {request.collection}",
        exit_code=ExitCode.OK if whole else ExitCode.PARTIAL,
    )


def _show_estimate(one: MigrationEstimate) -> None:
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
    show_partner_routes(one)
    if one.unnamed:
        note(f"no text to encode: {', '.join(one.unnamed)}")


def _show_migrated(one: Migrated) -> None:
    line(
        f"{one.version} ({one.encoder}) is {one.state}: {one.covered} of {one.documents} documents"
        " have vectors in it"
    )
    if one.without_text:
        line(f"{one.without_text} documents have no text")
    for document, cause in one.refused.items():
        line(f"{document}: {cause}")
