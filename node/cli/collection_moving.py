"""`interlingua collection export|import`: collections that move with their envelope.

docs/collection-files.md has the form of the files and what is checked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.output import finish, line
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.moving import ExportedCollection, ImportedCollection

NameArgument = Annotated[str, typer.Argument(help="Name of the collection.", show_default=False)]


def _server(help_text: str) -> Any:
    return typer.Option(help=help_text, rich_help_panel="From a server", show_default=False)


def export(
    name: NameArgument,
    out: Annotated[
        Path, typer.Option(help="New file: .parquet, or .npy with a .jsonl file beside it.")
    ],
    version: Annotated[str | None, typer.Option(help="Default: the one that serves.")] = None,
    with_sources: Annotated[
        bool, typer.Option("--with-sources", help="Put texts and URIs into the file too.")
    ] = False,
) -> None:
    """Write a collection into a file, with the envelope that says what its vectors are."""
    from node.operations.moving import ExportCollection, ExportedCollection

    request = ExportCollection(
        collection=name, out=out.absolute(), version=version, with_sources=with_sources
    )
    result = run_operation("collection.export", request, ExportedCollection)
    finish(
        result,
        lambda: _show_exported(result),
        next_step=f"interlingua collection import {name} {out} --dry-run (where it goes)",
    )


def import_(
    name: NameArgument,
    source: Annotated[
        str,
        typer.Argument(
            help="FILE.parquet, FILE.npy, postgresql://... or a Chroma server's http(s)://...",
            show_default=False,
        ),
    ],
    encoder: Annotated[
        str | None, typer.Option(help="Whose vectors they are; default: by the file's envelope.")
    ] = None,
    add_encoder: Annotated[
        str | None, typer.Option(help="Keep the file's envelope as a new encoder of kind caller.")
    ] = None,
    table: Annotated[str | None, _server("PostgreSQL: table, or SCHEMA.TABLE.")] = None,
    id_column: Annotated[str | None, _server("PostgreSQL: column of the ids.")] = None,
    vector_column: Annotated[str | None, _server("PostgreSQL: column of the vectors.")] = None,
    text_column: Annotated[str | None, _server("PostgreSQL: column of the texts.")] = None,
    metadata_column: Annotated[str | None, _server("PostgreSQL: column with JSON.")] = None,
    chroma_collection: Annotated[str | None, _server("Chroma: name of its collection.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check everything; write nothing.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Although nothing shows whose vectors they are; is logged."),
    ] = False,
) -> None:
    """Bring a collection in from a file with its envelope, from pgvector or from Chroma."""
    from node.operations.moving import ImportCollection, ImportedCollection

    request = ImportCollection(
        collection=name,
        source=source if "://" in source else str(Path(source).absolute()),
        encoder=encoder,
        add_encoder=add_encoder,
        table=table,
        id_column=id_column,
        vector_column=vector_column,
        text_column=text_column,
        metadata_column=metadata_column,
        chroma_collection=chroma_collection,
        dry_run=dry_run,
        force=force,
    )
    result = run_operation("collection.import", request, ImportedCollection)
    finish(
        result,
        lambda: _show_imported(result),
        next_step="the same without --dry-run"
        if dry_run
        else f"interlingua collection info {name}",
    )


def _show_exported(one: ExportedCollection) -> None:
    what = "with texts and URIs" if one.sources else "without texts and URIs"
    line(f"{one.documents} documents of {one.collection} {one.version}, {what}: "
         f"{one.vectors} vectors")  # fmt: skip
    if one.left_out:
        line(f"{one.left_out} documents have no vectors in {one.version} and were left out")
    for file in one.files:
        line(file)
    line(f"space   {one.space}")
    line(f"digest  {one.digest}")


def _show_imported(one: ImportedCollection) -> None:
    line(f"{one.documents} documents with {one.vectors} vectors, {one.with_text} with their text")
    line(f"encoder {one.encoder}, space {one.space}")
    line(f"digest  {one.digest}")
    if one.probed:
        line(f"{one.probed} pieces of text were encoded again and gave the same vectors")
    elif one.enveloped:
        line("not shown by encoding: no text, or no model here; the envelope is the file's word")
    else:
        line("not shown by anything: the encoder is your word, and that is logged")
    if not one.dry_run:
        line(f"{one.added} added, {one.updated} updated, {one.unchanged} unchanged")
