"""`interlingua audit content` and `audit erase`: what exchanges said, kept beside the log.

Rule of this file: nothing is erased before a person has seen how much, or said that it need not be
shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.instants import parse_instant
from node.cli.output import finish, line, table
from node.cli.run import run_operation
from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.audit_content import ContentErased, EraseContent


def content(
    index: Annotated[int, typer.Argument(min=0, help="The leaf's index in `audit search`.")],
) -> None:
    """Read what is kept of one leaf's question and answer; the reading is logged."""
    from node.operations.audit_content import ReadContent, ShownContent

    result = run_operation("audit.content", ReadContent(index=index), ShownContent)

    def people() -> None:
        for name, said in (("question", result.question), ("answer", result.answer)):
            line(f"{name}: {said if said is not None else 'not kept for this leaf'}")

    finish(result, people, next_step=f"interlingua audit receipt {index}")


def erase(
    leaves: Annotated[
        list[int] | None,
        typer.Argument(
            min=0, help="Indexes of leaves; the other leaf of an exchange goes with each."
        ),
    ] = None,
    peer: Annotated[str | None, typer.Option(help="All that was exchanged with it.")] = None,
    before: Annotated[
        str | None,
        typer.Option(help="Older than that: 2026-04-01, 30d. With --peer: of that partner."),
    ] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMMITMENT", help="Commitment to an actor: `actor` of a leaf; repeatable."
        ),
    ] = None,
    asker: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Own questions of this token, or of `operator`."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Erase what is kept of exchanges, keys first; the log and its proofs stay."""
    from node.operations.audit_content import ContentErased, EraseContent

    request = EraseContent(
        leaves=tuple(leaves or ()),
        peer=peer,
        before=parse_instant(before),
        subjects=tuple(subject or ()),
        asker=asker,
        dry_run=True,
    )
    if dry_run or not yes:
        found = run_operation("audit.erase", request, ContentErased)
        if dry_run:
            finish(found, lambda: _say_found(found), next_step="the same without --dry-run")
            return
        count = sum(found.records.values())
        if count or found.vectors:
            also = f" and {found.vectors} vectors" if found.vectors else ""
            typer.confirm(f"Erase {count} records{also} for good?", abort=True, err=True)
    _erase(request.model_copy(update={"dry_run": False}))


def _erase(request: EraseContent) -> None:
    from node.operations.audit_content import ContentErased

    result = run_operation("audit.erase", request, ContentErased)

    def people() -> None:
        _say_found(result)
        line(f"{result.state}" + (f": {result.waits}" if result.waits else ""))

    pending = result.state == "pending"
    finish(
        result,
        people,
        next_step="interlingua doctor" if pending else "interlingua audit search --type erasure",
        exit_code=ExitCode.PARTIAL if pending else ExitCode.OK,
    )


def _say_found(result: ContentErased) -> None:
    table(("KIND", "RECORDS"), sorted(result.records.items()))
    if result.vectors:
        line(f"{result.vectors} vectors of own questions asked at those times (`selection show`)")
