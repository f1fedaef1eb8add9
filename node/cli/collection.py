"""`interlingua collection`: documents and their indexes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli import (
    collection_judging,
    collection_moving,
    collection_strategies,
    collection_supply,
    collection_versions,
)
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.collections import CollectionInfo

app = VerbGroup(help="Collections: documents and their indexes.")
app.command()(collection_moving.export)
app.command("import")(collection_moving.import_)
app.command()(collection_versions.migrate)
app.command()(collection_supply.supply)
app.command()(collection_judging.golden)
app.command()(collection_judging.questions)
app.command()(collection_judging.judge)
app.command()(collection_versions.cutover)
app.command()(collection_versions.rollback)
app.command()(collection_versions.retire)
app.command()(collection_strategies.bridge)
app.command()(collection_strategies.both)
app.command()(collection_strategies.progressive)
app.command()(collection_strategies.stop)

NameArgument = Annotated[str, typer.Argument(help="Name of the collection.", show_default=False)]


@app.command()
def create(
    name: NameArgument,
    encoder: Annotated[
        str, typer.Option(help="Encoder whose space it is in; see `interlingua encoder list`.")
    ],
    title: Annotated[str, typer.Option(help="Shown to partners; default: the name.")] = "",
    description: Annotated[str, typer.Option(help="Shown to partners.")] = "",
    language: Annotated[str, typer.Option(help="Of the documents, e.g. en or de-CH.")] = "",
) -> None:
    """Create an empty collection."""
    from node.operations.collections import CollectionInfo, CreateCollection

    request = CreateCollection(
        name=name, encoder=encoder, title=title, description=description, language=language
    )
    result = run_operation("collection.create", request, CollectionInfo)
    finish(
        result,
        lambda: line(f"created {result.name} ({result.dimension} dimensions, {result.encoder})"),
        next_step=f"interlingua collection ingest {name} FILE.jsonl",
    )


@app.command()
def ingest(
    name: NameArgument,
    file: Annotated[
        Path,
        typer.Argument(
            help="JSONL with id, text and/or vector, labels, metadata, uri; or .npy; - for"
            " JSONL on standard input.",
            show_default=False,
        ),
    ],
    ids: Annotated[
        Path | None, typer.Option(help="For .npy: text file with the ids of its rows, one a line.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="For .npy: label of every document; repeat for more.")
    ] = None,
    vectors_of: Annotated[
        str | None, typer.Option(help="Encoder that made the vectors in the file.")
    ] = None,
) -> None:
    """Bring documents in from a file; repeating it brings in only what has changed."""
    from node.operations.collections import Ingest, Ingested

    with _readable(file) as path:
        request = Ingest(
            collection=name,
            file=path,
            format="npy" if path.suffix == ".npy" else "jsonl",
            ids=None if ids is None else ids.absolute(),
            labels=tuple(label or ()),
            vectors_of=vectors_of,
        )
        result = run_operation("collection.ingest", request, Ingested)
    finish(
        result,
        lambda: line(
            f"{result.added} added, {result.updated} updated, {result.unchanged} unchanged;"
            f" {result.chunks} vectors written; {result.documents} documents in {name}"
        ),
        next_step=f"interlingua collection info {name}",
    )


@app.command("list")
def list_() -> None:
    """List the collections."""
    from node.operations.collections import CollectionList
    from node.operations.registry import NoRequest

    result = run_operation("collection.list", NoRequest(), CollectionList)
    rows = [
        (one.name, one.documents, one.encoder, one.dimension, one.version, one.title)
        for one in result.collections
    ]
    finish(
        result,
        lambda: table(("NAME", "DOCUMENTS", "ENCODER", "DIMENSION", "VERSION", "TITLE"), rows),
        next_step="interlingua collection create NAME --encoder ENCODER",
    )


@app.command()
def info(name: NameArgument) -> None:
    """Show a collection with its labels and the state of its index."""
    from node.operations.collections import CollectionDetails, CollectionName

    request = CollectionName(collection=name)
    result = run_operation("collection.info", request, CollectionDetails)

    def people() -> None:
        table(("FIELD", "VALUE"), _fields(result))
        line()
        table(("LABEL", "DOCUMENTS"), result.labels.items())
        line()
        line(
            f"index: {result.rows} rows in the snapshot, {result.dead_rows} of them deleted,"
            f" {result.delta_rows} beside it"
        )

    dead = result.dead_rows > 0
    finish(
        result,
        people,
        next_step=f"interlingua collection compact {name}"
        if dead
        else "interlingua query TEXT --purpose PURPOSE",
    )


@app.command()
def delete(
    name: NameArgument,
    ids: Annotated[list[str], typer.Argument(help="Ids of documents.", show_default=False)],
) -> None:
    """Delete documents with their texts and vectors."""
    from node.operations.collections import Deleted, DeleteDocuments

    request = DeleteDocuments(collection=name, ids=tuple(ids))
    result = run_operation("collection.delete", request, Deleted)
    finish(
        result,
        lambda: line(f"{result.deleted} deleted, {result.missing} were not there"),
        next_step=f"interlingua collection compact {name}",
        exit_code=ExitCode.PARTIAL if result.missing else ExitCode.OK,
    )


@app.command()
def compact(name: NameArgument) -> None:
    """Rebuild the index without deleted documents and give the space back."""
    from node.operations.collections import CollectionName, Compacted

    result = run_operation("collection.compact", CollectionName(collection=name), Compacted)

    def people() -> None:
        line(f"{result.removed_rows} deleted rows removed, {result.rows} rows kept")
        line(_said_erased(result.waits))

    finish(
        result,
        people,
        next_step=f"interlingua collection {'info' if result.erased else 'compact'} {name}",
        exit_code=ExitCode.OK if result.erased else ExitCode.PARTIAL,
    )


@app.command()
def drop(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete a collection with everything in it."""
    from node.operations.collections import CollectionName, Dropped

    if not yes:
        typer.confirm(f"Delete collection {name} with all its documents?", abort=True, err=True)
    result = run_operation("collection.drop", CollectionName(collection=name), Dropped)

    def people() -> None:
        line(f"dropped {result.name} with {result.documents} documents")
        line(_said_erased(result.waits))

    finish(
        result,
        people,
        next_step="interlingua collection list",
        exit_code=ExitCode.OK if result.erased else ExitCode.PARTIAL,
    )


def _said_erased(waits: str | None) -> str:
    if waits is None:
        return "erased: nothing of the deleted documents is left in the node's files"
    return f"pending: {waits}; the next compact looks again"


def _fields(one: CollectionInfo) -> list[tuple[str, object]]:
    return [
        ("name", one.name),
        ("title", one.title),
        ("description", one.description),
        ("language", one.language),
        ("documents", one.documents),
        ("encoder", one.encoder),
        ("dimension", one.dimension),
        ("version", one.version),
        ("space", one.space),
    ]


@contextmanager
def _readable(file: Path) -> Iterator[Path]:
    """The absolute path of a file; standard input is kept in a private file meanwhile."""
    if str(file) != "-":
        if not file.is_file():
            raise typer.BadParameter(f"there is no file {file}", param_hint="FILE")
        yield file.absolute()
        return
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as kept:  # created 0600
        while part := sys.stdin.buffer.read(1 << 20):
            kept.write(part)
        kept.flush()
        yield Path(kept.name)
