"""`interlingua anchors`: public texts that tell how two models relate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.anchors import Embedded

app = VerbGroup(help="Anchors: public texts that tell how two models relate.")

AnchorsArgument = Annotated[
    str, typer.Argument(metavar="SET", help="Name or id of the anchor set.", show_default=False)
]
EncoderOption = Annotated[
    str, typer.Option(help="Encoder, see `interlingua encoder list`.", show_default=False)
]


@app.command("import")
def import_anchors(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSONL with the texts document and query on each line, or one text a line."
            " Public texts only: their embeddings go to every member.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Option(help="Name for it here.", show_default=False)],
) -> None:
    """Import public texts as an anchor set; every member imports the same file."""
    from node.operations.anchors import AnchorsInfo, ImportAnchors

    request = ImportAnchors(name=name, file=file.absolute())
    result = run_operation("anchors.import", request, AnchorsInfo)

    def people() -> None:
        line(f"{result.name}: {result.anchors} texts")
        line(f"id {result.set_id}")
        if result.derived:
            note(
                f"{result.derived} query views were derived from the texts (first sentence, else"
                " first words); real ones choose maps better."
            )

    finish(result, people, next_step=f"interlingua anchors embed {name} --encoder ENCODER")


@app.command("list")
def list_anchors() -> None:
    """List the anchor sets and which encoders have embedded them."""
    from node.operations.anchors import AnchorsList
    from node.operations.registry import NoRequest

    result = run_operation("anchors.list", NoRequest(), AnchorsList)
    rows = [
        (each.name, each.anchors, each.derived, ", ".join(each.encoders) or "-", each.set_id)
        for each in result.sets
    ]
    finish(
        result,
        lambda: table(("NAME", "TEXTS", "DERIVED QUERIES", "EMBEDDED BY", "ID"), rows),
        next_step="interlingua anchors embed SET --encoder ENCODER",
    )


@app.command()
def texts(
    anchors: AnchorsArgument,
    out: Annotated[Path, typer.Option(help="File to write (JSONL).", show_default=False)],
) -> None:
    """Write the texts of an anchor set in canonical order, for a model that runs elsewhere."""
    from node.operations.anchors import AnchorsInfo, AnchorTexts

    request = AnchorTexts(anchors=anchors, out=out.absolute())
    result = run_operation("anchors.texts", request, AnchorsInfo)
    finish(
        result,
        lambda: line(f"wrote {result.anchors} texts to {out}"),
        next_step=f"interlingua anchors embed {anchors} --encoder ENCODER --documents FILE.npy"
        " --queries FILE.npy",
    )


@app.command()
def embed(
    anchors: AnchorsArgument,
    encoder: EncoderOption,
    documents: Annotated[
        Path | None,
        typer.Option(
            help="Vectors of the document views (.npy), where the encoder's vectors are computed"
            " elsewhere; rows as `interlingua anchors texts` writes them.",
            show_default=False,
        ),
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(help="Vectors of the query views (.npy).", show_default=False)
    ] = None,
) -> None:
    """Embed an anchor set with an encoder; going on where an earlier run stopped."""
    from node.operations.anchors import EmbedAnchors, Embedded

    if (documents is None) != (queries is None):
        raise typer.BadParameter("give both --documents and --queries, or neither")
    given = documents and queries and (documents.absolute(), queries.absolute())
    request = EmbedAnchors(anchors=anchors, encoder=encoder, vectors=given)
    result = run_operation("anchors.embed", request, Embedded)
    finish(
        result,
        lambda: _people(result),
        next_step=f"interlingua anchors export {anchors} --encoder {encoder} --out FILE",
    )


@app.command()
def export(
    anchors: AnchorsArgument,
    encoder: EncoderOption,
    out: Annotated[Path, typer.Option(help="File to write (safetensors).", show_default=False)],
) -> None:
    """Write the embeddings of an anchor set into a file for the other members."""
    from node.operations.anchors import Embedded, ExportAnchors

    request = ExportAnchors(anchors=anchors, encoder=encoder, out=out.absolute())
    result = run_operation("anchors.export", request, Embedded)

    def people() -> None:
        _people(result)
        line(f"wrote {out}")

    finish(
        result,
        people,
        next_step=f"send {out.name} to the other members; one of them runs"
        " `interlingua space create NAME --anchors SET --member FILE ...`",
    )


def _people(result: Embedded) -> None:
    line(f"{result.anchors}: {result.texts} texts in {result.dimension} dimensions")
    line(f"digest {result.digest}")
    if result.empty:
        note(f"the model makes nothing of {result.empty} texts; they are left out")
