"""Bringing the content files up to the log when they are opened.

Rule of this file: the log decides. A record without a leaf goes; a key without a record goes; what
the log says was erased is erased, so that a copy of the files from before an erasure, put back
beside the log, is as empty as the log says; while another program reads the copy, that is noted as
not finished (node/content/erasing.py). Files of another log are refused.
"""

import sqlite3
from collections.abc import Iterable
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
        size, applied = tree_rows.size(log), int(keys.meta(_APPLIED) or 0)
        erasures = _erasures_since(log, applied)
        if erasures:
            keys.note_to_be_emptied()  # before anything is deleted: a crash must not forget it
        # with an erasure that this file has not seen, keys may be back whose records are gone
        swept = 0 if erasures else int(keys.meta(_SWEPT) or 0)
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
        _apply(keys, records, erasures)
        keys.set_meta(_SWEPT, str(last))
        keys.set_meta(_APPLIED, str(size))
    if erasures:
        keys.compact()


def adopt_stored_answers(keys: KeyStore, records: RecordStore, log_file: Path) -> None:
    """Note the keys of stored answers whose records were dropped; an erasure would miss them."""
    swept = int(keys.meta(_SWEPT) or 0)
    with schema.snapshot(log_file) as log:
        stored = _stored_answers(log, swept)
    missing = (set(keys.slots_after(swept)) & stored.keys()) - records.slots_after(swept)
    records.add((stored[slot], None) for slot in sorted(missing))


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


def _erasures_since(log: sqlite3.Connection, since: int) -> list[Erased]:
    """The leaves from `since` on that say what was erased."""
    rows = log.execute(
        "SELECT l.data FROM facts f JOIN leaves l USING (idx) WHERE f.idx >= ? AND f.type = ? "
        "ORDER BY f.idx",
        (since, "erasure"),
    )
    leaves = (decode_leaf(bytes(raw)) for (raw,) in rows.fetchall())
    return [leaf for leaf in leaves if isinstance(leaf, Erased)]


def _apply(keys: KeyStore, records: RecordStore, erasures: Iterable[Erased]) -> None:
    """Erase again what was erased."""
    for leaf in erasures:
        kinds = [kind for kind in KINDS if kind in leaf.records]
        slots = within(records.rows(kinds, leaf.peer), leaf.ranges)
        keys.delete(slots)
        records.delete(slots)
