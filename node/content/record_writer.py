"""The thread that seals and writes what is kept, behind the log's writer.

Rule of this file: it never holds up the log. Keys are made ahead here too, before they run out.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from node.content.content import Content
from node.content.errors import ContentBusy
from node.content.key_store import DrawnKey, KeyStore
from node.content.record_store import RecordStore, Row
from node.content.sealing import seal_record
from protocol.merkle import leaf_hash

MAX_WAITING = 8_192  # records; about 40 MB of questions and answers
MAX_WRITTEN = 512  # records in one transaction
MANY, LINGER_S = 256, 0.05
"""It waits so long (seconds) for so many records: one transaction for all that a burst leaves."""
FLUSH_S = 30.0

_log = structlog.get_logger("content")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record to be written: `leaf` are its leaf's bytes; `content` None keeps the key alone."""

    drawn: DrawnKey
    row: Row
    leaf: bytes
    content: Content | None

    def sealed(self) -> bytes | None:
        """The record as it is stored."""
        if self.content is None:
            return None
        return seal_record(self.drawn.key, self.row.idx, leaf_hash(self.leaf), self.content)


class RecordWriter:
    """A queue and a thread."""

    def __init__(self, keys: KeyStore, records: RecordStore) -> None:
        self._keys, self._records = keys, records
        self._queue: deque[Waiting] = deque()
        self._changed = threading.Condition()
        self._busy = self._closing = False
        self._hurrying = 0
        self.lost = 0
        self._thread = threading.Thread(target=self._run, name="content-writer", daemon=True)
        self._thread.start()

    def put(self, waiting: Sequence[Waiting]) -> None:
        """Queue records; what finds no place is dropped and counted."""
        with self._changed:
            kept = waiting[: max(0, MAX_WAITING - len(self._queue))]
            first = not self._queue
            self._queue.extend(kept)
            self._count_lost(len(waiting) - len(kept), "too many wait")
            if first or self._is_time():  # else the thread lingers, or is not idle
                self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything is written that was queued. Raises ContentBusy."""
        with self._changed:
            self._hurrying += 1
            self._changed.notify_all()
            written = self._changed.wait_for(lambda: not self._queue and not self._busy, FLUSH_S)
            self._hurrying -= 1
            if not written:
                raise ContentBusy(f"{len(self._queue)} records wait to be written.")

    def close(self) -> None:
        """Write what is queued and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._take()) is not None:
            try:
                if self._keys.is_low:
                    self._keys.make_block()
                self._records.add((each.row, each.sealed()) for each in batch)
            except Exception as error:  # the leaves stand; what they said is not kept
                self._count_lost(len(batch), str(error))
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _take(self) -> list[Waiting] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            self._changed.wait_for(self._is_time, LINGER_S)
            if not self._queue:
                return None
            self._busy = True
            return [self._queue.popleft() for _ in range(min(MAX_WRITTEN, len(self._queue)))]

    def _is_time(self) -> bool:
        many = len(self._queue) >= MANY or self._keys.is_low
        return many or self._closing or self._hurrying > 0

    def _count_lost(self, count: int, cause: str) -> None:
        if count:
            self.lost += count
            _log.error("content not kept", records=count, cause=cause)
