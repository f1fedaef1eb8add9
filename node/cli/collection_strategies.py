"""`interlingua collection bridge|both|progressive|stop`: other ways from one model to the next.

docs/upgrading-models.md says which is for what.
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
    finish_estimate,
    require_no_price,
)
from node.cli.output import finish, line, table
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.bridging import Bridged
    from node.operations.strategies import Stopped


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

    if not estimated("both", name, to, dry_run, rate, price):
        request = AnswerFromBoth(collection=name, to=to, rate=rate, leave_out=leave_out)
        filled("collection.both", request, f"interlingua collection cutover {name}")


def progressive(
    name: NameArgument,
    to: ToOption,
    share: Annotated[
        str | None,
        typer.Option(
            help="Percent of the questions, step by step; the last is 100. Default: 5,25,50,100.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            min=0, help="Seconds that each step lasts at least. Default: 3600.", show_default=False
        ),
    ] = None,
    dry_run: DryRunOption = False,
    rate: RateOption = 0,
    price: PriceOption = None,
    leave_out: LeaveOutOption = False,
) -> None:
    """Move questions to a new version step by step, most-asked documents first, and cut over."""
    from pydantic import ValidationError

    from node.operations.strategies import Progressive

    try:
        steps = None if share is None else tuple(int(one) for one in share.split(","))
        request = Progressive(
            collection=name, to=to, rate=rate, leave_out=leave_out, share=steps, every_s=every
        )
    except (ValueError, ValidationError):
        raise typer.BadParameter(
            "give growing percentages that end with 100, such as 5,25,50,100", param_hint="--share"
        ) from None
    if not estimated("progressive", name, to, dry_run, rate, price):
        filled("collection.progressive", request, f"interlingua catalog {name}")


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
        finish_estimate(estimate, "bridge", name, to)
        return
    require_no_price(price)
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
