"""A log that continues another one: what its first leaf says, and where the older ones lie.

Rule of this file: the log of before is kept whole beside its successor, for auditors; nothing is
ever appended to it.
"""

import sqlite3
from pathlib import Path

from node.audit import schema, tree_rows
from node.audit.entry import RESET
from node.audit.errors import AuditError
from protocol.leaf import AdminActed, MalformedLeaf, Succeeded, decode_leaf

FOLDER = "predecessors"
"""The folder of a data directory in which the logs of before lie."""


def succession(connection: sqlite3.Connection) -> Succeeded | None:
    """Return the first leaf of a log that succeeds another one, ``None`` for any other log."""
    raw = tree_rows.leaf(connection, 0)
    if raw is None:
        return None
    try:
        first = decode_leaf(raw)
    except MalformedLeaf:
        return None  # a damage that `audit verify` names
    return first if isinstance(first, Succeeded) else None


def was_reset(connection: sqlite3.Connection, peer: str, collection: str) -> bool:
    """Tell whether a person has reset in this log what ``peer`` used of ``collection``."""
    rows = connection.execute(
        "SELECT l.data FROM facts f JOIN leaves l USING (idx) "
        "WHERE f.type = 'admin' AND f.peer = ?",
        (peer,),
    )
    acts = (decode_leaf(raw) for (raw,) in rows)
    return any(
        isinstance(act, AdminActed) and act.operation == RESET and act.subject in (None, collection)
        for act in acts
    )


def predecessor_file(data: Path, origin: str) -> Path:
    """Return where the log ``origin`` is kept in a data directory once it has a successor."""
    return data / FOLDER / f"{origin.rpartition('/')[2]}.db"


def predecessors(data: Path) -> frozenset[str]:
    """Return the names of the logs of before that are kept; one that is damaged has none."""
    names = set()
    for path in (data / FOLDER).glob("*.db"):
        try:
            with schema.snapshot(path) as connection:
                names.add(schema.meta(connection, "origin"))
        except AuditError:
            continue
    return frozenset(names)
