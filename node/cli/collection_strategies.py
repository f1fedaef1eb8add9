"""`interlingua collection bridge|both|progressive|stop`: other ways from one model to the next.

docs/upgrading-models.md says which is for what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.collection_versions import show_estimate, show_migrated
from node.cli.output import finish, line, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.bridging import Bridged
    from node.operations.migration import Migrate
    from node.operations.strategies import Stopped

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


def both(
    name: NameArgument,
    to: ToOption,
    dry_run: DryRunOption = False,
    rate: RateOption = 0,
    price: PriceOption = None,
    leave_out: LeaveOutOption = False,
) -> None:
    """Answer from the old version and a new one together while that is filled."""
    from node.operations.strategies import AnswerFromBoth

    if _estimated(name, to, "both", dry_run, rate, price):
        return
    request = AnswerFromBoth(collection=name, to=to, rate=rate, leave_out=leave_out)
    _filled("collection.both", request, f"interlingua collection cutover {name}")


def progressive(
    name: NameArgument,
    to: ToOption,
    share: Annotated[
        str, typer.Option(help="Percent of the questions, step by step; the last is 100.")
    ] = "5,25,50,100",
    every: Annotated[
        int, typer.Option(min=0, help="Seconds that each step lasts at least.")
    ] = 3600,
    dry_run: DryRunOption = False,
    rate: RateOption = 0,
    price: PriceOption = None,
    leave_out: LeaveOutOption = False,
) -> None:
    """Move questions to a new version step by step, most-asked documents first, and cut over."""
    from pydantic import ValidationError

    from node.operations.strategies import Progressive

    try:
        steps = tuple(int(one) for one in share.split(","))
        request = Progressive(
            collection=name, to=to, rate=rate, leave_out=leave_out, share=steps, every_s=every
        )
    except (ValueError, ValidationError):
        raise typer.BadParameter(
            "give growing percentages that end with 100, such as 5,25,50,100", param_hint="--share"
        ) from None
    if not _estimated(name, to, "progressive", dry_run, rate, price):
        _filled("collection.progressive", request, f"interlingua catalog {name}")


def bridge(
    name: NameArgument,
    to: ToOption,
    sample: Annotated[
        int, typer.Option(min=80, help="Documents that the map is learned from.")
    ] = 2000,
    dry_run: DryRunOption = False,
    price: PriceOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Although it finds less than the bar; is logged.")
    ] = False,
) -> None:
    """Ask by a new model at once: its questions are mapped into the old version's index."""
    from node.operations.bridging import Bridged, BridgeTo, EstimateBridge
    from node.operations.migration import MigrationEstimate

    if dry_run:
        wanted = EstimateBridge(collection=name, to=to, sample=sample, price=price)
        estimate = run_operation("collection.estimate-bridge", wanted, MigrationEstimate)
        finish(
            estimate,
            lambda: show_estimate(estimate),
            next_step=f"interlingua collection bridge {name} --to {to}",
        )
        return
    _no_price(price)
    request = BridgeTo(collection=name, to=to, sample=sample, force=force)
    result = run_operation("collection.bridge", request, Bridged)
    finish(
        result,
        lambda: _show_bridged(result),
        next_step=f"interlingua collection migrate {name} --to {to}",
    )


def stop(name: NameArgument) -> None:
    """End what is under way: the version that serves answers alone, by its own model."""
    from node.operations.strategies import Stopped, StopStrategy

    result = run_operation("collection.stop", StopStrategy(collection=name), Stopped)
    finish(result, lambda: _show_stopped(result), next_step=f"interlingua catalog {name}")


def _estimated(
    name: str, to: str, verb: str, dry_run: bool, rate: int, price: float | None
) -> bool:
    """Show what a dry run found; False where it is none."""
    from node.operations.migration import EstimateMigration, MigrationEstimate

    if not dry_run:
        _no_price(price)
        return False
    request = EstimateMigration(collection=name, to=to, rate=rate, price=price)
    estimate = run_operation("collection.estimate", request, MigrationEstimate)
    step = f"interlingua collection {verb} {name} --to {to}"
    finish(estimate, lambda: show_estimate(estimate), next_step=step)
    return True


def _no_price(price: float | None) -> None:
    if price is not None:
        raise typer.BadParameter("needs --dry-run", param_hint="--price")


def _filled(operation: str, request: Migrate, next_step: str) -> None:
    from node.operations.migration import Migrated

    result = run_operation(operation, request, Migrated)
    whole = result.covered == result.documents
    finish(
        result,
        lambda: show_migrated(result),
        next_step=next_step if whole else f"interlingua catalog {request.collection}",
        exit_code=ExitCode.OK if whole else ExitCode.PARTIAL,
    )


def _show_bridged(one: Bridged) -> None:
    line(f"questions of {one.encoder} are carried into {one.version} of {one.collection}")
    rows: list[tuple[str, object]] = [
        (name, f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})")
        for name, found in one.figures.items()
    ]
    if one.golden is not None:
        low, high = one.golden.low, one.golden.high
        rows.append(("golden ndcg_10", f"{one.golden.value:+.3f} ({low:+.3f} to {high:+.3f})"))
    table(("OVER THE BRIDGE", "VALUE"), rows)
    line(f"learned from {one.learned_from} documents ({one.kind}), measured on {one.held_out}")
    if one.forced:
        line(f"forced against: {one.forced}")


def _show_stopped(one: Stopped) -> None:
    line(f"{one.serving} answers for {one.collection} alone; {one.strategy} has ended")
    if one.version != one.serving:
        line(f"{one.version} is kept and filled on")
