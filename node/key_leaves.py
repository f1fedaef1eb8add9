"""The `key` leaves of a new version of the own root document.

The rule of this file: the leaf of the version itself is the last one; where it is missing, a crash
cut some off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.audit.search import search
from protocol.event_leaves import KeyChanged
from protocol.leaf_filter import LeafFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from keys.ring import KeyRecord
    from protocol.root import RootDocument

RECENT = 1024
"""Newest `key` leaves among which those of the version in force are looked for at start: more than
one version can have."""


def differences(
    before: RootDocument, after: RootDocument, known: Mapping[str, KeyRecord], at: int
) -> Iterator[KeyChanged]:
    """The leaves of a new version: its keys that are new, revoked or retired; then its own.

    `known` are the keys of all versions: one that `before` names no more can be revoked too. The
    last leaf names the root key that speaks for the version.
    """
    old, new = before.ring, after.ring
    for kid, record in new.records.items():
        if kid not in old.records and record.purpose != "root":
            yield _leaf(record, "published", after, at)
    for kid, record in old.records.items():
        if kid not in new.records and kid not in new.revocations:
            yield _leaf(record, "retired", after, at)
    for kid in new.revocations:
        if kid not in old.revocations and kid in known:
            yield _leaf(known[kid], "revoked", after, at)
    yield _leaf(after.roots[0].record, "published", after, at)


def logged(log_file: Path, digest: str) -> set[tuple[object, object]]:
    """Key and event of each leaf about the version with that digest."""
    found_leaves = search(log_file, LeafFilter(type="key"), RECENT).leaves
    found = (leaf.fields for leaf in found_leaves if leaf.fields.get("document") == digest)
    return {(fields.get("key"), fields.get("event")) for fields in found}


def _leaf(record: KeyRecord, event: str, root: RootDocument, at: int) -> KeyChanged:
    return KeyChanged(at=at, key=record.kid, use=record.purpose, event=event, document=root.digest)
