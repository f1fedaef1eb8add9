"""`interlingua audit search`: leaves by what they say, page by page.

Rule of this file: it reads log.db itself, while the node runs and while it is stopped.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.instants import parse_instant
from node.cli.invocation import current
from node.cli.output import finish, line, table
from node.cli.own_log import LogOption, of_log, own_log
from node.cli.progress import shown_progress

if TYPE_CHECKING:
    from node.operations.audit_search import FoundLeaf, SearchLeaves

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
    log: LogOption = None,
) -> None:
    """Find the newest leaves that say all of this, and show them oldest first."""
    from node.operations.audit_search import SearchLeaves, find_leaves

    require_type(type_)
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

    def people() -> None:
        table(
            ("INDEX", "TIME (UTC)", "TYPE", "PEER", "WHAT"),
            [_row(leaf) for leaf in reversed(result.leaves)],
        )
        line(f"{len(result.leaves)} of {result.size} leaves")

    finish(
        result,
        people,
        next_step="interlingua audit verify" + of_log(log)
        if result.before is None
        else _next_page(request, result.before) + of_log(log),
    )


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
        text = _shown_time(value, "%Y-%m-%dT%H:%M:%SZ") if name in _TIMES else str(value)
        words += [f"--{name}", shlex.quote(text)]
    return " ".join(words)


def _shown_time(at: int, form: str) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime(form)


def _row(leaf: FoundLeaf) -> tuple[object, ...]:
    """One line for people: what was asked or done, why refused, how much."""
    fields = leaf.fields
    words = [
        f"{name}={_in_a_word(fields[name])}"
        for name in (
            "collection", "purpose", "decision", "reason", "results", "charged", "state",
            "event", "version", "use", "origin", "held_by", "log", "operation", "subject",
            "generation", "counts", "offers", "begins", "ends", "reading", "count", "leaf",
            "basis", "records", "malformed",
        )
        if name in fields
    ]  # fmt: skip
    time = _shown_time(leaf.at, "%Y-%m-%d %H:%M:%S")
    return leaf.index, time, leaf.type, leaf.peer or "", " ".join(words)


def _in_a_word(value: object) -> object:
    """Counts by name without the spaces and quotes of a dictionary."""
    if not isinstance(value, dict):
        return value
    return ",".join(f"{name}:{count}" for name, count in value.items())
