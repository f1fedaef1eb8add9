"""`interlingua collection supply`: a new version's vectors, where you compute them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.output import finish, line
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.supplying import SuppliedVectors


def supply(
    name: Annotated[str, typer.Argument(help="Name of the collection.", show_default=False)],
    file: Annotated[
        Path,
        typer.Argument(
            help="JSONL with id and vector, .npy with --ids, or a file of `collection export`.",
            show_default=False,
        ),
    ],
    to: Annotated[str, typer.Option(help="Encoder of kind caller, whose vectors they are.")],
    ids: Annotated[
        Path | None, typer.Option(help="For .npy: text file with the ids of its rows, one a line.")
    ] = None,
) -> None:
    """Give a new version the vectors that you computed; repeating it goes on."""
    from node.operations.supplying import SuppliedVectors, SupplyVectors

    request = SupplyVectors(
        collection=name,
        to=to,
        file=file.absolute(),
        ids=None if ids is None else ids.absolute(),
    )
    result = run_operation("collection.supply", request, SuppliedVectors)
    whole = result.covered == result.documents and not result.unknown
    finish(
        result,
        lambda: _show(result),
        next_step=f"interlingua collection cutover {name}"
        if whole
        else f"interlingua collection supply {name} FILE --to {to}",
        exit_code=ExitCode.OK if whole else ExitCode.PARTIAL,
    )


def _show(one: SuppliedVectors) -> None:
    line(f"{one.given} documents got vectors, {one.replaced} got others, {one.unchanged} had them")
    if one.unknown:
        line(f"{one.unknown} ids are not in {one.collection}: {_named(one.first_unknown)}")
    line(
        f"{one.version} ({one.encoder}) is {one.state}: {one.covered} of {one.documents} documents"
        " have vectors in it"
    )
    if one.missing:
        line(f"without: {_named(one.missing)}")


def _named(ids: tuple[str, ...]) -> str:
    return ", ".join(ids)
