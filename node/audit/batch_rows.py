"""What the entries of one batch write beside their leaves: one statement for each table.

Rule of this file: the tables hold after it what they would hold if each entry had been written
before the next was looked at. So an entry that depends on rows of others has those written first,
and nonces and keys that wait here are as good as recorded.
"""

import sqlite3
from collections import Counter

from node.audit import seen_checkpoints, state_rows, unacknowledged
from node.audit.entry import Effects, Entry, IdempotencyEffect
from node.audit.errors import AlreadyRecorded
from node.content.content import SealedAnswer

_Name = tuple[str, str]  # peer, and a nonce or an idempotency key


class BatchRows:
    """The rows of a batch, in its transaction: ``add`` each entry, then ``write``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._nonces: dict[_Name, int] = {}
        self._keys: dict[_Name, tuple[IdempotencyEffect, SealedAnswer, int]] = {}
        self._queries: Counter[tuple[str, str, int]] = Counter()
        self._exposures: list[tuple[str, str, int, int, int]] = []
        self._probes: list[tuple[int, str, str, bytes, bytes]] = []
        self._unacknowledged: list[unacknowledged.Row] = []

    def write_before(self, entry: Entry) -> None:
        """Write what waits, where this entry reads or removes rows that others made."""
        if entry.effects.reset or unacknowledged.depends_on_rows(entry.leaf):
            self.write()

    def refuse_recorded(self, effects: Effects, at: int) -> None:
        """Raise AlreadyRecorded if the nonce or the idempotency key is recorded and still live."""
        nonce, again = effects.nonce, effects.idempotency
        if nonce and self._nonces.get((nonce.peer, nonce.nonce), at - 1) >= at:
            raise AlreadyRecorded("This nonce was recorded before.")
        waiting = self._keys.get((again.peer, again.key)) if again else None
        if waiting is not None and waiting[0].until >= at:
            raise AlreadyRecorded("This idempotency key was answered before.")
        state_rows.refuse_recorded(self._connection, effects, at)

    def add(self, entry: Entry, index: int, stored: SealedAnswer) -> None:
        """Take the effects of the leaf ``index``; ``refuse_recorded`` has been called before.

        ``stored`` is the payload of the idempotency effect, sealed.
        """
        effects = entry.effects
        if effects.nonce:
            self._nonces[effects.nonce.peer, effects.nonce.nonce] = effects.nonce.until
        if effects.idempotency:
            again = effects.idempotency
            self._keys[again.peer, again.key] = (again, stored, index)
        if effects.reset:
            state_rows.forget(self._connection, effects.reset)
        if effects.queries:
            q = effects.queries
            self._queries[q.peer, q.collection, q.day] += q.n
        if effects.exposures:
            e = effects.exposures
            scope = (e.peer, e.collection, e.epoch)
            self._exposures += [(*scope, document, n) for document, n in e.answers.items()]
        self._probes += [(p.day, p.peer, p.collection, p.mark, p.sketch) for p in effects.probes]
        self._add_what_was_seen(effects, index)
        opened = unacknowledged.row(entry.leaf, index)
        if opened is not None:
            self._unacknowledged.append(opened)
        else:
            unacknowledged.follow(self._connection, entry.leaf)

    def _add_what_was_seen(self, effects: Effects, index: int) -> None:
        if effects.receipt:
            r = effects.receipt
            self._connection.execute(
                "INSERT INTO kept_receipts VALUES (?, ?, ?, ?)", (index, r.peer, r.leaf, r.proof)
            )
        if effects.seen:
            seen_checkpoints.keep(self._connection, effects.seen)

    def write(self) -> None:
        """Write what waits."""
        execute = self._connection.executemany
        execute(
            "INSERT OR REPLACE INTO nonces VALUES (?, ?, ?)",
            [(*name, until) for name, until in self._nonces.items()],
        )
        execute(
            "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (i.peer, i.key, i.body_digest, stored.slot, stored.data, index, i.until)
                for i, stored, index in self._keys.values()
            ],
        )
        execute(
            "INSERT INTO queries VALUES (?, ?, ?, ?) "
            "ON CONFLICT (peer, collection, day) DO UPDATE SET n = n + excluded.n",
            [(*scope, n) for scope, n in self._queries.items()],
        )
        execute(
            "INSERT INTO exposures VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (peer, collection, epoch, document) DO UPDATE SET n = n + excluded.n",
            self._exposures,
        )
        execute("INSERT OR IGNORE INTO probes VALUES (?, ?, ?, ?, ?)", self._probes)
        unacknowledged.insert(self._connection, self._unacknowledged)
        self._nonces.clear()
        self._keys.clear()
        self._queries.clear()
        self._exposures.clear()
        self._probes.clear()
        self._unacknowledged.clear()
