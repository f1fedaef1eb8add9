"""`audit show`: the newest leaves that match, as a person reads them.

Rule of this file: reading follows the committed log; a leaf that cannot be decoded is shown as such
and never hidden.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.audit import schema, tree_rows
from protocol.leaf import MalformedLeaf, decode_leaf

MAX_SHOWN = 10_000  # leaves in one call


@dataclass(frozen=True)
class Wanted:
    """Which leaves: all conditions that are given must hold; times are epoch seconds, UTC.

    ``since`` is the first second that counts, ``until`` the first that does not; ``before`` shows
    only leaves with a smaller index, to go on where an earlier call ended.
    """

    peer: str | None = None
    type: str | None = None
    since: int | None = None
    until: int | None = None
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True)
class Seen:
    """One leaf: its place, and its fields without the request's evidence."""

    index: int
    at: int
    type: str
    peer: str | None
    fields: dict[str, Any]


def show(path: Path, wanted: Wanted) -> tuple[int, list[Seen]]:
    """Return the log's size and the newest matching leaves, newest first.

    Raises LogDamaged, LogTooNew or LogUnavailable where log.db cannot be read.
    """
    conditions = {
        "f.peer = ?": wanted.peer,
        "f.type = ?": wanted.type,
        "f.at >= ?": wanted.since,
        "f.at < ?": wanted.until,
        "f.idx < ?": wanted.before,
    }
    given = {text: value for text, value in conditions.items() if value is not None}
    where = " AND ".join(given) or "1"
    with schema.snapshot(path) as connection:
        rows = connection.execute(
            "SELECT f.idx, f.at, f.type, f.peer, l.data FROM facts f JOIN leaves l USING (idx) "  # noqa: S608 - `where` is made of the texts above
            f"WHERE {where} ORDER BY f.idx DESC LIMIT ?",
            (*given.values(), min(wanted.limit, MAX_SHOWN)),
        )
        found = [Seen(idx, at, type_, peer, _fields(data)) for idx, at, type_, peer, data in rows]
        return tree_rows.size(connection), found


def _fields(data: bytes) -> dict[str, Any]:
    try:
        leaf = decode_leaf(data)
    except MalformedLeaf as error:
        return {"malformed": str(error)}
    return leaf.model_dump(mode="json", exclude_none=True, exclude={"evidence", "v", "salt"})
