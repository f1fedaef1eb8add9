"""Bringing the content files up to the log when they are opened.

Rule of this file: the log decides. A record without a leaf goes; a key without a record goes; what
the log says was erased is erased, so that a copy of the files from before an erasure, put back
beside the log, is as empty as the log says. Files of another log are refused.
"""

import sqlite3
from pathlib import Path

from node.audit import schema, tree_rows
from node.content.content import KINDS
from node.content.errors import ContentDamaged
from node.content.key_store import KeyStore
from node.content.record_store import RecordStore, Row
from node.content.selection import within
from protocol.leaf import Erased, decode_leaf

_ORIGIN, _SWEPT, _APPLIED = "origin", "swept", "applied"


def reconcile(keys: KeyStore, records: RecordStore, log_file: Path) -> None:
    """Compare both files with the log; raises ContentDamaged for those of another log."""
    with schema.snapshot(log_file) as log:
        _compare_origin(keys, schema.meta(log, "origin"))
        size = tree_rows.size(log)
        swept = int(keys.meta(_SWEPT) or 0)
        stored = _stored_answers(log, swept)
        last = max(keys.last_slot, records.last_slot, max(stored, default=0))
        if last > keys.last_slot:  # content_keys.db was begun anew
            keys.begin_after(last)
        beyond = records.from_index(size)
        keys.delete(beyond)
        records.delete(beyond)
        known, drawn = records.slots_after(swept), set(keys.slots_after(swept))
        missing = drawn & stored.keys() - known
        records.add((stored[slot], None) for slot in sorted(missing))
        keys.delete(drawn - known - missing)
        emptied = _apply_erasures(keys, records, log, int(keys.meta(_APPLIED) or 0))
        keys.set_meta(_SWEPT, str(last))
        keys.set_meta(_APPLIED, str(size))
    if emptied:
        keys.compact()


def _compare_origin(keys: KeyStore, origin: str) -> None:
    known = keys.meta(_ORIGIN)
    if known is None:
        keys.set_meta(_ORIGIN, origin)
    elif known != origin:
        raise ContentDamaged(f"{keys.path} belongs to the log {known}, and this one is {origin}.")


def _stored_answers(log: sqlite3.Connection, swept: int) -> dict[int, Row]:
    """Stored answers whose record may not have been written: a crash came between the two."""
    rows = log.execute(
        "SELECT i.slot, i.leaf_index, i.peer, f.at FROM idempotency i "
        "JOIN facts f ON f.idx = i.leaf_index WHERE i.slot > ?",
        (swept,),
    )
    return {int(s): Row(int(s), int(i), "answered", str(peer), int(at)) for s, i, peer, at in rows}


def _apply_erasures(
    keys: KeyStore, records: RecordStore, log: sqlite3.Connection, since: int
) -> bool:
    """Erase again what leaves from `since` on say was erased; whether anything was there."""
    found = False
    leaves = log.execute(
        "SELECT l.data FROM facts f JOIN leaves l USING (idx) WHERE f.idx >= ? AND f.type = ? "
        "ORDER BY f.idx",
        (since, "erasure"),
    )
    for (raw,) in leaves.fetchall():
        leaf = decode_leaf(bytes(raw))
        if isinstance(leaf, Erased):
            kinds = [kind for kind in KINDS if kind in leaf.records]
            slots = within(records.rows(kinds, leaf.peer), leaf.ranges)
            keys.delete(slots)
            records.delete(slots)
            found = found or bool(slots)
    return found
