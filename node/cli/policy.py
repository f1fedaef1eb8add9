"""`interlingua policy`: what each partner may ask and learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.policy import PolicyChanges

app = VerbGroup(help="Grants: what each partner may ask and learn.")

Sources = Annotated[
    list[Path],
    typer.Argument(help="Grant files, or folders whose *.toml files are grants.", exists=True),
]


@app.command()
def apply(sources: Sources) -> None:
    """Bring grant files into force, from the next query on; they replace all grants before them."""
    from node.operations.policy import GrantFiles, PolicyChanges

    result = run_operation("policy.apply", GrantFiles(files=_read(sources)), PolicyChanges)
    finish(
        result,
        lambda: _show_changes(result, f"generation {result.generation} is in force"),
        next_step="interlingua policy show",
    )


@app.command()
def diff(sources: Sources) -> None:
    """Show what grant files would change; change nothing."""
    from node.operations.policy import GrantFiles, PolicyChanges

    result = run_operation("policy.diff", GrantFiles(files=_read(sources)), PolicyChanges)
    finish(
        result,
        lambda: _show_changes(result, "nothing was changed"),
        next_step=f"interlingua policy apply {' '.join(map(str, sources))}",
    )


@app.command()
def explain(
    peer: Annotated[str, typer.Option(help="The organisation that would ask.")],
    collection: Annotated[str, typer.Option(help="The collection that it would ask.")],
    purpose: Annotated[str, typer.Option(help="The purpose that it would state.")],
    k: Annotated[int, typer.Option("-k", "--k", help="How many results it would want.")] = 10,
    granularity: Annotated[
        str | None, typer.Option(help="boolean, count, ranks or bins; default: as granted.")
    ] = None,
    agreement: Annotated[str | None, typer.Option(help="The agreement it would name.")] = None,
    filter_: Annotated[
        list[str] | None,
        typer.Option("--filter", help="A metadata field that it would filter by; repeat for more."),
    ] = None,
) -> None:
    """Say whether a question would be answered now, which rule decides, and why.

    Exit code 3 when it would be refused.
    """
    from node.operations.policy import Explain, Explanation

    request = Explain.model_validate(
        {
            "peer": peer,
            "collection": collection,
            "purpose": purpose,
            "k": k,
            "granularity": granularity,
            "agreement": agreement,
            "filter": tuple(filter_ or ()),
        }
    )
    result = run_operation("policy.explain", request, Explanation)

    def people() -> None:
        table(
            ("RULE", "HOLDS", "WHY"),
            [(check.rule, "yes" if check.holds else "no", check.reason) for check in result.rules],
        )
        line(f"{'answered' if result.allowed else 'refused'}: {result.rule} ({result.reason})")

    finish(
        result,
        people,
        next_step="interlingua policy show",
        exit_code=ExitCode.OK if result.allowed else ExitCode.REFUSED,
    )


@app.command()
def show() -> None:
    """Show the grants in force."""
    from node.operations.policy import PolicyShown
    from node.operations.registry import NoRequest

    result = run_operation("policy.show", NoRequest(), PolicyShown)

    def people() -> None:
        line(f"generation {result.generation}, digest {result.digest}")
        table(
            ("PEER", "COLLECTION", "PURPOSES", "SHOWS", "K", "LABELS", "A DAY", "AGREEMENT"),
            [
                (
                    grant.peer,
                    grant.collection,
                    ", ".join(grant.purposes),
                    grant.granularity,
                    grant.max_k,
                    ", ".join(grant.labels),
                    grant.queries_per_day,
                    grant.agreement["id"] if grant.agreement else "none",
                )
                for grant in result.grants
            ],
        )

    finish(result, people, next_step="interlingua policy explain --help")


def _read(sources: list[Path]) -> dict[str, str]:
    """The files' texts by path; a folder stands for its *.toml files."""
    paths = [
        path
        for source in sources
        for path in (sorted(source.glob("*.toml")) if source.is_dir() else [source])
    ]
    if not paths:
        raise typer.BadParameter(
            "no *.toml file there; to withdraw every grant, apply an empty one"
        )
    try:
        return {str(path): path.read_text("utf-8") for path in paths}
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"a grant file is not UTF-8 text: {error.reason}") from None


def _show_changes(result: PolicyChanges, outcome: str) -> None:
    for change in result.changes:
        line(f"{change.kind}  {change.peer}  {change.collection}  {', '.join(change.purposes)}")
        for name, (before, after) in sorted(change.fields.items()):
            line(f"    {name}: {before} -> {after}")
    unchanged = f"no difference: generation {result.generation} stays in force"
    line(outcome if result.changes else unchanged)
    for warning in result.warnings:
        note(f"warning: {warning}")
