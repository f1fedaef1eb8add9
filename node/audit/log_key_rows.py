"""The keys that sign this log, as log.db states them: one row for each, with its first tree size.

Rule of this file: a row is written in the transaction of the `key` leaf with which its key took
over, and that leaf is the last one of the tree at which the row's term begins. `fsck` compares the
rows with the leaves; what a log states of itself counts only where nobody knows better.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeGuard

from node.audit import schema
from node.audit.errors import LogDamaged
from protocol.leaf import KeyChanged, Leaf
from protocol.log_errors import LogMaterialError
from protocol.log_keys import LogKeys
from protocol.log_terms import LogTerm
from protocol.notation import from_base64url
from protocol.note import VerifierKey

TOOK_OVER = "took-over"
"""The event of the `key` leaf with which a log key follows another one."""

SINCE = 6
"""The version of log.db with which the table came; before, a log had one key for life."""


def rows(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """Return (first tree size, verifier key) of each key, oldest first; empty for a new file."""
    if connection.execute("PRAGMA user_version").fetchone()[0] < SINCE:
        first = schema.meta(connection, "verifier_key")
        return [(0, first)] if first else []
    found = connection.execute("SELECT from_size, verifier_key FROM log_keys ORDER BY from_size")
    return [(int(size), str(key)) for size, key in found]


def add(connection: sqlite3.Connection, from_size: int, key: VerifierKey) -> None:
    """State the key that signs from this tree size on."""
    connection.execute("INSERT INTO log_keys VALUES (?, ?)", (from_size, str(key)))


def stated_keys(connection: sqlite3.Connection) -> tuple[VerifierKey, ...]:
    """Return the keys, oldest first, the present one last; LogDamaged for one that is none."""
    try:
        return tuple(VerifierKey.parse(text) for _, text in rows(connection))
    except LogMaterialError as error:
        raise LogDamaged(f"The log states a key that cannot be read: {error}.") from None


def stated_terms(connection: sqlite3.Connection) -> tuple[LogTerm, ...]:
    """Return the terms of the keys, oldest first; the last one is open; none for a new file."""
    keys = stated_keys(connection)
    if not keys:
        return ()
    firsts = [size for size, _ in rows(connection)]
    ends: Iterable[int | None] = (*firsts[1:], None)
    return tuple(
        LogTerm.of(key.name, key.public, first, last)
        for key, first, last in zip(keys, firsts, ends, strict=True)
    )


def present(connection: sqlite3.Connection) -> str:
    """Return the verifier key that signs now, as it is written; empty for a new file."""
    found = rows(connection)
    return found[-1][1] if found else ""


def terms_of_file(path: Path) -> tuple[LogTerm, ...]:
    """Return the terms that log.db states; none where no log was begun. Raises LogRefused's."""
    if not schema.was_begun(path):
        return ()
    with schema.snapshot(path) as connection:
        return stated_terms(connection)


def keys_of(terms: Iterable[LogTerm], origin: str) -> LogKeys:
    """Return the keys of one log's terms."""
    return LogKeys.of_terms(origin, terms, ())


def is_hand_over(leaf: Leaf) -> TypeGuard[KeyChanged]:
    """Tell whether a log key took over with this leaf."""
    return isinstance(leaf, KeyChanged) and (leaf.use, leaf.event) == ("log", TOOK_OVER)


def told_by(origin: str, leaves: Iterable[tuple[int, Leaf]]) -> Iterator[tuple[int, str]]:
    """Yield the row that each hand-over among (index, leaf) has written."""
    for index, leaf in leaves:
        if is_hand_over(leaf) and leaf.public is not None:
            yield index + 1, str(VerifierKey(origin, from_base64url(leaf.public)))
