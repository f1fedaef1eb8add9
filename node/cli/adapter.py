"""`interlingua adapter`: the maps between models, beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from node.cli.invocation import VerbGroup, current
from node.cli.output import finish, line, note, table
from node.cli.progress import shown_progress
from node.cli.run import run_operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from node.evaluate.compared import Comparison, PairComparison
    from node.spaces.report import FigureRow

app = VerbGroup(help="Maps between models, measured.")


@app.command()
def compare(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="SPACE | FILE FILE",
            help="A joined shared space, or two members' exported anchor embeddings.",
            show_default=False,
        ),
    ],
    anchors: Annotated[
        Path | None,
        typer.Option(help="Texts that the files are embeddings of.", exists=True, dir_okay=False),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Own encoder, where several joined the space.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Folder for pictures; needs the extra plot.", file_okay=False),
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="Print every kind of map.")] = False,
    picture: Annotated[
        Literal["svg", "png"], typer.Option(help="What the pictures are written as.")
    ] = "svg",
) -> None:
    """Measure every kind of map on held-out anchors, beside natives and baselines."""
    found = _of_files(what, anchors) if anchors else _of_space(what, encoder)
    written = [] if plot is None else _drawn(found, plot, picture)

    def people() -> None:
        for each in found.pairs:
            _people(each, whole=whole)
        if not whole:
            note("* the chosen route, + the best of its kind; all kinds of map: --all, or --json")
        for each in found.pairs if written else ():
            if each.curve is None:
                note(
                    f"{each.asker} asks {each.responder}: no learning curve is drawn, because a"
                    " part of so few anchors is too little to fit a map on"
                )
        for path in written:
            note(f"wrote {path}")

    finish(found, people, next_step="interlingua evaluate DIR (the same on judged questions)")


def _of_space(what: Sequence[str], encoder: str | None) -> Comparison:
    from node.evaluate.compared import Comparison
    from node.evaluate.errors import NothingToCompare
    from node.operations.adapters import CompareMaps

    if len(what) != 1:
        raise NothingToCompare(
            f"{len(what)} names were given, and a shared space is one",
            fix="Name one joined space; to compare two files, give --anchors too.",
        )
    return run_operation("adapter.compare", CompareMaps(space=what[0], encoder=encoder), Comparison)


def _of_files(what: Sequence[str], anchors: Path) -> Comparison:
    from node.evaluate.comparison import compare_files
    from node.evaluate.errors import NothingToCompare
    from node.operations.space_files import read_members
    from node.spaces.anchor_files import read_anchors

    if len(what) != 2:
        raise NothingToCompare(
            f"{len(what)} files were given, and two are compared",
            fix="Name the exported embeddings of two members (`interlingua anchors export`).",
        )
    for each in what:
        if not Path(each).is_file():
            raise typer.BadParameter(f"{each}: no file", param_hint="FILE")
    with shown_progress(current()) as progress:
        texts = read_anchors(anchors)
        one, other = read_members([Path(each) for each in what])
        progress(0, None, "fitting and measuring maps")
        return compare_files(texts, one, other)


def _drawn(found: Comparison, folder: Path, kind: Literal["svg", "png"]) -> list[Path]:
    from node.evaluate.pictures import draw

    return [path for pair in found.pairs for path in draw(pair, folder, kind)]


def _people(pair: PairComparison, *, whole: bool) -> None:
    line(
        f"{pair.asker} asks {pair.responder}: fitted on {pair.fitted_on} anchors,"
        f" measured on {pair.held_out} others"
    )
    table(
        ("ROUTE", "MRR CHOOSING", "MRR", "NDCG@10", "RECALL@10", "OVERLAP@10"),
        list(_rows(pair, whole=whole)),
    )
    fitted = ", ".join(f"{name} maps {seconds:.1f} s" for name, seconds in pair.fit_s.items())
    line(f"fitted in: {fitted}")
    if pair.curve is not None:
        line(
            f"twice as many anchors should add {pair.curve.doubled.value:+.3f} MRR"
            f" ({pair.curve.doubled.low:+.3f} to {pair.curve.doubled.high:+.3f})"
        )
    line()


def _rows(pair: PairComparison, *, whole: bool) -> Iterator[tuple[str, ...]]:
    marks = {"chosen": " *", "chosen of its kind": " +", "baseline": " (baseline)"}
    for each in (route for route in pair.routes if whole or route.role):
        yield (
            each.route + marks.get(each.role, ""),
            _interval(each.validation_mrr),
            *_figures(each.figures),
        )
    for whose, figures in pair.natives.items():
        yield (f"{whose}'s own model", "", *_figures(figures))


def _figures(figures: dict[str, FigureRow]) -> tuple[str, ...]:
    names = ("mrr", "ndcg_10", "recall_10", "overlap_10")
    return tuple(_interval(figures[name]) for name in names)


def _interval(figure: FigureRow) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
