"""`interlingua audit search`: leaves by what they say, page by page.

Rule of this file: it reads log.db itself, while the node runs and while it is stopped.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.instants import parse_instant
from node.cli.invocation import current
from node.cli.output import finish, line, note, table
from node.cli.own_log import LogOption, of_log, own_log
from node.cli.progress import shown_progress
from node.cli.report_forms import Form, OutOption, write_new, written_as
from node.shown_time import shown_time

if TYPE_CHECKING:
    from node.operations.audit_search import FoundLeaves, SearchLeaves

_TIMES = frozenset({"since", "until"})


def search(
    peer: Annotated[str | None, typer.Option(help="Only leaves about this partner.")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Only this type: answered, denied, sent, ...")
    ] = None,
    purpose: Annotated[str | None, typer.Option(help="Only with this purpose.")] = None,
    collection: Annotated[str | None, typer.Option(help="Only about this collection.")] = None,
    decision: Annotated[
        str | None, typer.Option(help="Only answered, repeated, denied or error.")
    ] = None,
    agreement: Annotated[str | None, typer.Option(help="Only under this agreement's id.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only with this actor commitment.")] = None,
    key: Annotated[str | None, typer.Option(help="Only signed by this key, or about it.")] = None,
    query: Annotated[str | None, typer.Option(help="Only of this query digest.")] = None,
    answer: Annotated[str | None, typer.Option(help="Only of this answer digest.")] = None,
    since: Annotated[
        str | None, typer.Option(help="From then on: 2026-04-01, 2026-04-01T12:30Z, 90m, 24h, 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before then; as --since.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many, the newest.")] = 50,
    before: Annotated[
        int | None, typer.Option(min=0, help="Only leaves with a smaller index: the next page.")
    ] = None,
    form: Annotated[
        Form,
        typer.Option("--format", help="csv: with every field; html: one page to print."),
    ] = Form.TABLE,
    out: OutOption = None,
    log: LogOption = None,
) -> None:
    """Find the newest leaves that say all of this, and show them oldest first."""
    from node.cli.new_file import require_new
    from node.operations.audit_search import SearchLeaves, find_leaves

    require_type(type_)
    require_new(out)
    request = SearchLeaves(
        peer=peer,
        type=type_,
        purpose=purpose,
        collection=collection,
        decision=decision,
        agreement=agreement,
        actor=actor,
        key=key,
        query=query,
        answer=answer,
        since=parse_instant(since),
        until=parse_instant(until),
        limit=limit,
        before=before,
    )
    with shown_progress(current()) as progress:
        result = find_leaves(log or own_log(), request, progress)

    if out is not None:
        write_new(out, _written(result, request, form))
        note(f"written to {out}")
    finish(
        result,
        lambda: _say(result, request, form, written=out is not None),
        next_step="interlingua audit verify" + of_log(log)
        if result.before is None
        else _next_page(request, result.before) + of_log(log),
    )


def _say(result: FoundLeaves, request: SearchLeaves, form: Form, *, written: bool) -> None:
    from node.cli.found_leaves import row

    if form is not Form.TABLE and not written:
        typer.echo(_written(result, request, form), nl=False)
        return
    rows = [row(leaf) for leaf in reversed(result.leaves)]
    table(("INDEX", "TIME (UTC)", "TYPE", "PEER", "WHAT"), rows)
    line(f"{len(result.leaves)} of {result.size} leaves")


def _written(result: FoundLeaves, request: SearchLeaves, form: Form) -> str:
    """What was found as text in the form that was asked for; a table is CSV in a file."""
    from node.cli.found_leaves import as_report

    given = request.model_dump(exclude_defaults=True, exclude={"limit"})
    conditions = {name: _typed(name, value) for name, value in given.items()}
    return written_as(form, as_report(result, conditions, every_field=form is not Form.HTML))


def require_type(type_: str | None) -> None:
    """Refuse a leaf type that there is not, naming those that there are."""
    from protocol.leaf import LEAF_TYPES

    if type_ is not None and type_ not in LEAF_TYPES:
        raise typer.BadParameter(f"{type_}: one of {', '.join(LEAF_TYPES)}", param_hint="--type")


def _next_page(request: SearchLeaves, before: int) -> str:
    """The same search, one page further back."""
    given = request.model_copy(update={"before": before}).model_dump(exclude_defaults=True)
    words = ["interlingua audit search"]
    for name, value in given.items():
        words += [f"--{name}", shlex.quote(_typed(name, value))]
    return " ".join(words)


def _typed(name: str, value: object) -> str:
    if isinstance(value, int) and name in _TIMES:
        return shown_time(value, "%Y-%m-%dT%H:%M:%SZ")
    return str(value)
