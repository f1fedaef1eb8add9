"""`interlingua anchors`: public texts that tell how two models relate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.anchors import AnchorsInfo, Embedded

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
            help="JSONL with the texts document and query on each line, one text a line, or a"
            " directory in BEIR's layout. Public texts only: their embeddings go to every member.",
            show_default=False,
            exists=True,
        ),
    ],
    name: Annotated[str, typer.Option(help="Name for it here.", show_default=False)],
    limit: Annotated[
        int | None,
        typer.Option(
            help="Take so many texts, those with real questions first; everybody who limits the"
            " same file gets the same set.",
            show_default=False,
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="The signed description NAME.anchors.json that came with the texts.",
            show_default=False,
            exists=True,
        ),
    ] = None,
) -> None:
    """Import public texts as an anchor set; every member imports the same file."""
    from node.operations.anchors import AnchorsInfo, ImportAnchors

    request = ImportAnchors(
        name=name,
        file=file.absolute(),
        limit=limit,
        manifest=None if manifest is None else manifest.absolute(),
    )
    result = run_operation("anchors.import", request, AnchorsInfo)

    finish(
        result,
        lambda: _people_set(result),
        next_step=f"interlingua anchors embed {name} --encoder ENCODER",
    )


@app.command()
def publish(
    anchors: AnchorsArgument,
    source: Annotated[
        str, typer.Option(help="Where the texts are from, in a sentence.", show_default=False)
    ],
    licence: Annotated[
        str,
        typer.Option(
            help="Their licence; an SPDX identifier where there is one.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="Directory for the two files.")] = Path(),
) -> None:
    """Describe an anchor set, sign that, and write both for the other members."""
    from node.operations.anchors import PublishAnchors, PublishedAnchors

    request = PublishAnchors(anchors=anchors, source=source, licence=licence, out=out.absolute())
    result = run_operation("anchors.publish", request, PublishedAnchors)

    def people() -> None:
        _people_set(result.anchors)
        line(f"wrote {result.texts} and {result.manifest}")

    finish(
        result,
        people,
        next_step=f"send both files to the members; each runs `interlingua anchors import"
        f" {result.texts.name} --manifest {result.manifest.name} --name {result.anchors.name}`",
    )


@app.command("list")
def list_anchors() -> None:
    """List the anchor sets and which encoders have embedded them."""
    from node.operations.anchors import AnchorsList
    from node.operations.registry import NoRequest

    result = run_operation("anchors.list", NoRequest(), AnchorsList)
    rows = [
        (
            each.name,
            each.anchors,
            each.derived,
            each.licence or "-",
            each.author or "-",
            ", ".join(each.encoders) or "-",
            each.set_id,
        )
        for each in result.sets
    ]
    finish(
        result,
        lambda: table(
            ("NAME", "TEXTS", "DERIVED QUERIES", "LICENCE", "SIGNED BY", "EMBEDDED BY", "ID"), rows
        ),
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
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="File to write (safetensors), or the folder that the members share.",
            show_default=False,
        ),
    ],
) -> None:
    """Write the embeddings of an anchor set into a file for the other members."""
    from node.operations.anchors import Embedded, ExportAnchors

    to = Path(out)
    if out.endswith("/"):  # a path forgets it, and a folder that is not there yet would be a file
        to.mkdir(parents=True, exist_ok=True)
    request = ExportAnchors(anchors=anchors, encoder=encoder, out=to.absolute())
    result = run_operation("anchors.export", request, Embedded)
    file = result.file or to

    def people() -> None:
        _people(result)
        line(f"wrote {file}")

    finish(
        result,
        people,
        next_step=f"send {file.name} to the other members; one of them runs"
        " `interlingua space create NAME --anchors SET --member FILE ...`",
    )


def _people_set(result: AnchorsInfo) -> None:
    line(f"{result.name}: {result.anchors} texts")
    line(f"id {result.set_id}")
    if result.views:
        line("query views: " + ", ".join(f"{n} {view}" for view, n in result.views.items()))
    if result.author is not None:
        line(f"signed by {result.author}; source: {result.source}; licence: {result.licence}")
    if result.derived:
        note(
            f"{result.derived} query views are not real questions but titles, examples or words of"
            " the texts; real ones choose maps better."
        )


def _people(result: Embedded) -> None:
    line(f"{result.anchors}: {result.texts} texts in {result.dimension} dimensions")
    line(f"digest {result.digest}")
    if result.empty:
        note(f"the model makes nothing of {result.empty} texts; they are left out")
