"""`audit export`: one part of the log as a bundle, and the root documents that belong to it.

Rule of this file: the export is in the log before anything of it is on disk, and the bundle holds
that leaf; so nobody hands out a part that the log does not name. A damaged root document is left
out and reported, a damaged log is not exported.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from node.audit import cosigned_rows, schema, tree_rows
from node.audit.errors import LogDamaged
from node.audit.receipts import kept_receipt, receipt_file
from node.data_directory import DataDirectory
from node.federation import superseded
from node.federation.errors import FederationError
from node.federation.peers import PeerBook
from protocol.bundle import Piece, places, write_bundle
from protocol.document import DocumentRefused
from protocol.event_leaves import Exported
from protocol.export_filter import ExportFilter
from protocol.leaf import MalformedLeaf, decode_leaf
from protocol.root_history import in_order, read_claimed


@dataclass(frozen=True)
class KeptRoots:
    """Root documents in the order of a bundle, and a sentence for each that cannot be used."""

    raws: tuple[bytes, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class WrittenBundle:
    """What a bundle holds: leaves of the part in clear and as hashes, the tree's size, bytes."""

    clear: int
    hidden: int
    size: int
    bytes: int


def kept_roots(data: DataDirectory, peer: str | None) -> KeptRoots:
    """Return every root document that is kept here: own, and partners' (or one partner's)."""
    found: list[bytes] = []
    warnings: list[str] = []
    for where, raw in _kept(data, peer, warnings):
        try:
            read_claimed(raw)
        except DocumentRefused as error:
            warnings.append(f"{where} cannot be used: {error}.")
        else:
            found.append(raw)
    return KeptRoots(tuple(in_order(found)), tuple(warnings))


def _kept(
    data: DataDirectory, peer: str | None, warnings: list[str]
) -> Iterator[tuple[str, bytes]]:
    own = (file for file in data.roots.glob("*.json") if file.stem.isdigit())
    every = (data.peers / superseded.FOLDER).glob("*/*.json")
    before = (file for file in every if peer in (None, file.parent.name))
    for file in (*own, *before):
        yield str(file), file.read_bytes()
    try:
        peers = PeerBook.open(data.peers).all()
    except FederationError as error:
        warnings.append(f"The partners' root documents cannot be used: {error}.")
        return
    for each in peers:
        if peer in (None, each.organisation):
            yield each.organisation, each.record.root.encode()


def write_part(log_file: Path, index: int, roots: Iterable[bytes], file: BinaryIO) -> WrittenBundle:
    """Write the bundle of the `export` leaf at `index`.

    Raises LogDamaged, LogUnavailable or OSError; then what is in the file is no bundle.
    """
    with schema.snapshot(log_file) as connection:
        part = _Part(connection, index)
        lines = write_bundle(index, part.raw, part.note, roots, part.pieces())
        written = sum(file.write(line) for line in lines)
    return WrittenBundle(part.clear, part.hidden, part.size, written)


class _Part:
    """The pieces of one bundle, read from one snapshot of log.db."""

    def __init__(self, connection: sqlite3.Connection, index: int) -> None:
        self.clear = self.hidden = 0
        newest = cosigned_rows.covering(connection, index) or tree_rows.newest_note(connection)
        if newest is None or newest[0] <= index:
            raise LogDamaged(f"No checkpoint covers the `export` leaf {index}.")
        self.size, self.note = newest
        self._connection, self._index = connection, index
        self.raw = self._leaf(index)
        leaf = decode_leaf(self.raw)
        if not isinstance(leaf, Exported):
            raise LogDamaged(f"Leaf {index} is no `export` leaf.")
        self._export = leaf

    def pieces(self) -> Iterator[Piece]:
        """Yield them from left to right."""
        hash_at, shown = tree_rows.hash_reader(self._connection), ExportFilter(self._export)
        for place in places(self._index, self._export, self.size):
            if place.export:
                continue
            if not place.part:
                yield Piece("subtree", hash_at(place.level, place.index))
            elif self._admitted(shown, raw := self._leaf(place.index), place.index):
                self.clear += 1
                yield self._in_clear(raw, place.index)
            else:
                self.hidden += 1
                yield Piece("hash", hash_at(0, place.index))

    def _in_clear(self, raw: bytes, index: int) -> Piece:
        """A leaf with the partner's receipt for it, and the witnessed proof that followed."""
        kept = kept_receipt(self._connection, index)
        if kept is None:
            return Piece("leaf", raw)
        followed = cosigned_rows.receipt(self._connection, index)
        return Piece("leaf", raw, receipt_file(*kept), followed)

    def _leaf(self, index: int) -> bytes:
        raw = tree_rows.leaf(self._connection, index)
        if raw is None:
            raise LogDamaged(f"Leaf {index} is missing from log.db.")
        return raw

    def _admitted(self, shown: ExportFilter, raw: bytes, index: int) -> bool:
        try:
            return shown.admits(decode_leaf(raw))
        except MalformedLeaf as error:
            raise LogDamaged(f"Leaf {index} cannot be read: {error}.") from error
