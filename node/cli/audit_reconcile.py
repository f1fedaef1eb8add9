"""`interlingua audit reconcile`: do two sides' logs tell the same of their exchanges?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.given_file import only_files
from node.cli.instants import instant
from node.cli.output import finish, line, note, table
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.audit_reconcile import BundlesReconciled, DifferenceNamed


def reconcile(
    one: Annotated[
        Path,
        typer.Argument(
            help="A bundle of the one side.", exists=True, dir_okay=False, callback=only_files
        ),
    ],
    other: Annotated[
        Path,
        typer.Argument(
            help="A bundle of the other side.", exists=True, dir_okay=False, callback=only_files
        ),
    ],
    root: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FINGERPRINT",
            help="Fingerprint of a root key, as its owner told it; once for each side.",
        ),
    ] = None,
) -> None:
    """Join two sides' bundles and name every exchange that one lacks or tells otherwise."""
    from node.operations.audit_reconcile import reconcile_bundles

    result = reconcile_bundles(one, other, tuple(root or ()))
    gaps = ExitCode.PARTIAL if result.differences else ExitCode.OK
    finish(
        result,
        lambda: _say(result),
        next_step="keep both bundles" if result.contradictory else "interlingua audit search",
        exit_code=ExitCode.DIVERGED if result.contradictory else gaps,
    )


def _say(result: BundlesReconciled) -> None:
    if result.differences:
        table(
            ("WHAT", "TIME (UTC)", "ASKER", "LEAF", "RESPONDER", "LEAF", "DETAIL"),
            [_row(each) for each in result.differences],
        )
    for bundle in result.bundles:
        line(f"{bundle.organisation}: {bundle.completeness}")
    line(f"{result.agreed} requests are told alike, {len(result.differences)} differences")
    for bundle in result.bundles:
        if not bundle.root_given:
            note(
                f"The root key of {bundle.organisation} was taken from its bundle. Compare "
                f"{bundle.fingerprint} with what its owner says, and give it with --root."
            )


def _row(each: DifferenceNamed) -> tuple[object, ...]:
    places = ("" if n is None else n for n in (each.asker_leaf, each.responder_leaf))
    asked, answered = places
    return each.kind, instant(each.at), each.asker, asked, each.responder, answered, each.detail
