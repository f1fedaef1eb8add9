"""What is kept beside the log, for the log's writer and for whoever may read it.

Rule of this file: no answer waits for content. The writer draws a key for each record, which costs
no disk, and hands over what is to be kept after its commit; a thread seals and writes it. So after
a kill a record may be missing, and there is never one without its leaf. Where records cannot be
written, or too many wait, they are dropped and counted.

A stored answer, which may be given again for a day, is different: it stands in log.db in the leaf's
transaction, sealed under the record's key, and is gone with that key.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from node.content.content import KINDS, NO_ANSWER, Content, Kind, SealedAnswer
from node.content.key_store import DrawnKey, KeyStore
from node.content.reconcile import adopt_stored_answers, reconcile
from node.content.record_store import RecordStore, Row
from node.content.record_writer import RecordWriter, Waiting
from node.content.sealing import (
    DoesNotOpen,
    open_record,
    open_stored,
    seal_stored,
    stored_context,
)
from protocol.merkle import leaf_hash

if TYPE_CHECKING:
    from node.audit.entry import Entry, IdempotencyEffect


@dataclass(frozen=True)
class ContentFiles:
    """Where everything lies."""

    keys: Path
    records: Path
    log: Path


class Contents:
    """The content of one node's exchanges; nothing is opened before it is needed."""

    def __init__(
        self, files: ContentFiles, key_of_keys: Callable[[], bytes], kept: frozenset[Kind]
    ) -> None:
        """`key_of_keys` gives the content key (32 bytes); `kept` are the kinds to be kept."""
        self.files = files
        self.kept = kept
        self._key_of_keys = key_of_keys
        self._opening = threading.RLock()
        self._keys: KeyStore | None = None
        self._records: RecordStore | None = None
        self._writer: RecordWriter | None = None

    def open(self) -> None:
        """Open files and content key now, and bring them up to the log.

        Raises ContentError's kinds, KeyFileError's kinds, PassphraseMissing.
        """
        _ = self.writer
        self.keys.unlock()

    @property
    def is_begun(self) -> bool:
        """Whether anything was ever kept here."""
        return self.files.keys.exists()

    @property
    def keys(self) -> KeyStore:
        """content_keys.db."""
        self._open()
        assert self._keys is not None  # noqa: S101 - _open has just set it; for the type checker
        return self._keys

    @property
    def records(self) -> RecordStore:
        """content.db."""
        self._open()
        assert self._records is not None  # noqa: S101 - as above
        return self._records

    @property
    def writer(self) -> RecordWriter:
        """The thread that writes records."""
        self._open()
        assert self._writer is not None  # noqa: S101 - as above
        return self._writer

    @property
    def lost(self) -> int:
        """How many records were dropped since the start."""
        return self._writer.lost if self._writer is not None else 0

    def batch(self) -> "Batch":
        """Begin what one transaction of the log keeps."""
        return Batch(self)

    def stored(
        self, peer: str, key: str, body_digest: str, index: int, sealed: SealedAnswer
    ) -> bytes | None:
        """Return a stored answer's bytes; None where its key is gone: erased, or never here."""
        found = self.keys.key(sealed.slot) if sealed.slot else None
        if found is None:
            return None
        try:
            context = stored_context(peer, key, body_digest, index)
            return open_stored(found, context, sealed.data)
        except DoesNotOpen:
            return None  # the slot is another record's: content_keys.db was begun anew since

    def read(self, index: int, leaf: bytes) -> list[Content]:
        """Return what is kept for the leaf `index`, whose bytes are `leaf`.

        Raises ContentBusy while it has not been written.
        """
        self.writer.flush()
        found = []
        for row, sealed in self.records.of_leaf(index):
            key = self.keys.key(row.slot)
            if key is None or sealed is None:
                continue
            try:
                kind = next(each for each in KINDS if each == row.kind)
                found.append(open_record(key, kind, index, leaf_hash(leaf), sealed))
            except (DoesNotOpen, StopIteration):
                continue  # it belongs to another leaf: nothing is known of this one
        return found

    def settle(self) -> None:
        """Write what waits; what could not be written is noted as far as log.db keeps an answer.

        Raises ContentBusy.
        """
        self.writer.flush()
        adopt_stored_answers(self.keys, self.records, self.files.log)

    def close(self) -> None:
        """Write what waits and close the files."""
        with self._opening:
            if self._writer is not None:
                self._writer.close()
            for file in (self._keys, self._records):
                if file is not None:
                    file.close()
            self._keys = self._records = self._writer = None

    def _open(self) -> None:
        if self._writer is not None:
            return
        with self._opening:
            if self._writer is not None:
                return
            keys = KeyStore(self.files.keys, self._key_of_keys)
            try:
                records = RecordStore(self.files.records)
            except BaseException:
                keys.close()
                raise
            try:
                reconcile(keys, records, self.files.log)
            except BaseException:
                keys.close()
                records.close()
                raise
            self._keys, self._records = keys, records
            self._writer = RecordWriter(keys, records)


@dataclass
class Batch:
    """What one transaction of the log keeps: keys are drawn at once, records wait for its end."""

    contents: Contents
    _waiting: list[Waiting] = field(default_factory=list)

    def add(self, entry: "Entry", index: int, raw: bytes) -> SealedAnswer:
        """Take what an entry's leaf keeps; returns its stored answer as log.db is to hold it."""
        answer, kept = entry.effects.idempotency, self.contents.kept
        contents = [each for each in entry.content if each.kind in kept]
        stored = NO_ANSWER
        for content in contents:
            drawn = self._draw(entry, index, raw, content.kind, content)
            if answer is not None and content.kind == "answered":
                stored = SealedAnswer(drawn.slot, _sealed(drawn, answer, index))
        if answer is not None and stored is NO_ANSWER:
            drawn = self._draw(entry, index, raw, "answered", None)
            stored = SealedAnswer(drawn.slot, _sealed(drawn, answer, index))
        return stored

    def _draw(
        self, entry: "Entry", index: int, raw: bytes, kind: Kind, content: Content | None
    ) -> DrawnKey:
        drawn = self.contents.keys.draw()
        row = Row(drawn.slot, index, kind, entry.leaf.peer or "", entry.leaf.at)
        self._waiting.append(Waiting(drawn, row, raw, content))
        return drawn

    def committed(self) -> None:
        """Hand over what is to be written; the leaves are durable."""
        if self._waiting:
            self.contents.writer.put(self._waiting)


def _sealed(drawn: DrawnKey, answer: "IdempotencyEffect", index: int) -> bytes:
    context = stored_context(answer.peer, answer.key, answer.body_digest, index)
    return seal_stored(drawn.key, context, answer.payload)
