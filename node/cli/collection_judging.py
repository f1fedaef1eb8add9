"""`interlingua collection golden|judge`: is the new version as good as the one that serves?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from node.cli.output import finish, line, table
from node.cli.partner_routes import show_partner_routes
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

NameArgument = Annotated[str, typer.Argument(help="Name of the collection.", show_default=False)]


def golden(
    name: NameArgument,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="JSONL with question and relevant (ids), or a folder in BEIR's layout.",
            show_default=False,
        ),
    ] = None,
    titles: Annotated[
        str | None,
        typer.Option(
            help="Metadata field whose words ask for their own document, in place of a file.",
            show_default=False,
        ),
    ] = None,
    anchors: Annotated[
        str | None,
        typer.Option(
            help="Anchor set whose query views ask for their document views, in place of a file.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Keep golden questions, by which versions are judged, in place of those before."""
    from node.operations.judging import GoldenFile, GoldenSet

    if file is not None and not file.exists():
        raise typer.BadParameter(f"there is no {file}", param_hint="FILE")
    where = None if file is None else file.absolute()
    request = GoldenFile(collection=name, file=where, titles=titles, anchors=anchors)
    result = run_operation("collection.golden", request, GoldenSet)
    finish(
        result,
        lambda: line(
            f"{result.questions} golden questions for {name}; {result.left_out} "
            + (
                "documents are not asked for"
                if titles
                else "anchors ask for nothing"
                if anchors
                else "left out, whose documents are not in it"
            )
        ),
        next_step=f"interlingua collection judge {name}",
    )


def questions(
    name: NameArgument,
    out: Annotated[Path, typer.Option(help="The new file.", show_default=False)],
) -> None:
    """Write past questions whose askers let them be judged, for people to judge them."""
    from node.cli.new_file import require_new
    from node.operations.past_questions import PastQuestions, PastWritten

    require_new(out)
    request = PastQuestions(collection=name, out=out.absolute())
    result = run_operation("collection.questions", request, PastWritten)
    finish(
        result,
        lambda: line(
            f"{result.questions} past questions with candidates in {out}; put the ids of those that"
            " answer into relevant"
        ),
        next_step=f"interlingua collection golden {name} {out}",
    )


def judge(
    name: NameArgument,
    version: Annotated[
        str | None, typer.Option(help="The version to judge; default: the only new one.")
    ] = None,
) -> None:
    """Compare a version with the one that serves, on the golden questions."""
    from node.operations.judging import Judgement, JudgeVersion

    request = JudgeVersion(collection=name, version=version)
    result = run_operation("collection.judge", request, Judgement)

    def people() -> None:
        table(
            ("MEASURE", result.serving, result.version, "DIFFERENCE", "95% INTERVAL"),
            (
                (
                    measure, f"{one.serving:.3f}", f"{one.other:.3f}", f"{one.difference:+.3f}",
                    f"{one.low:+.3f} to {one.high:+.3f}",
                )
                for measure, one in result.figures.items()
            ),
        )  # fmt: skip
        line(f"{result.questions} questions; {result.overlap_10:.2f} of the first ten are common")
        if result.against:
            line(f"worse than the bar of {result.bar} allows: {result.against}")
        show_partner_routes(result)

    finish(
        result,
        people,
        next_step=f"interlingua collection cutover {name}",
        exit_code=ExitCode.PARTIAL if result.against or result.partners_against else ExitCode.OK,
    )
