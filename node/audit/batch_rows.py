"""What the entries of one batch write beside their leaves: one statement for each table.

Rule of this file: the tables hold after it what they would hold if each entry had been written
before the next was looked at. So an entry that depends on rows of others has those written first,
and nonces and keys that wait here are as good as recorded.
"""

import sqlite3
from collections.abc import Iterable

from node.audit import many_rows, seen_checkpoints, state_rows, unacknowledged
from node.audit.effect_rows import BatchEffects, EffectRows
from node.audit.entry import Effects, Entry, IdempotencyEffect
from node.audit.errors import AlreadyRecorded
from node.audit.noted_ids import NotedIds
from node.audit.open_questions import OpenQuestions
from node.audit.seen_checkpoints import SeenCheckpoint
from node.audit.state_rows import Name
from node.content.content import SealedAnswer


class BatchRows:
    """The rows of a batch, in its transaction: ``add`` each entry, then ``write``."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        recent: EffectRows,
        answered: NotedIds | None,
        entries: Iterable[Entry],
        at: int,
    ) -> None:
        """``answered``: keys that may be recorded; None: any; ``entries``: all that may be added.

        ``at``: the present second.
        """
        self._connection, self._recent, self._at = connection, recent, at
        self._answered = answered
        self._all = [entry.effects for entry in entries]
        self._look_up()
        self._effects = BatchEffects()
        self._keys: dict[Name, tuple[IdempotencyEffect, SealedAnswer, int]] = {}
        self._unacknowledged: list[unacknowledged.Row] = []
        self._receipts: list[tuple[int, str, bytes, bytes]] = []
        self._seen: list[SeenCheckpoint] = []
        self._questions = OpenQuestions()

    def write_before(self, entry: Entry) -> None:
        """Write what waits, where this entry reads or removes rows that others made."""
        if entry.effects.reset:
            self.write()
            self._recent.enter(self._at)
            self._look_up()
        elif unacknowledged.depends_on_rows(entry.leaf):
            self.write()

    def _look_up(self) -> None:
        """Read which of the batch's nonces and keys are recorded."""
        nonces = [
            (n.peer, n.nonce)
            for each in self._all
            if (n := each.nonce) and self._recent.may_be_entered(n.peer, n.nonce)
        ]
        known = self._answered
        keys = [
            (i.peer, i.key)
            for each in self._all
            if (i := each.idempotency) and (known is None or known.may_hold(i.peer, i.key))
        ]
        found = state_rows.recorded(self._connection, nonces, keys, self._at)
        self._recorded_nonces, self._recorded_keys = found

    def refuse_recorded(self, effects: Effects) -> None:
        """Raise AlreadyRecorded if the nonce or the idempotency key is recorded and still live."""
        if effects.nonce and self._holds_nonce((effects.nonce.peer, effects.nonce.nonce)):
            raise AlreadyRecorded("This nonce was recorded before.")
        again = effects.idempotency
        if again and self._holds_key((again.peer, again.key)):
            raise AlreadyRecorded("This idempotency key was answered before.")

    def _holds_nonce(self, name: Name) -> bool:
        return (
            self._effects.nonces.get(name, self._at - 1) >= self._at
            or self._recent.holds(name, self._at)
            or name in self._recorded_nonces
        )

    def _holds_key(self, name: Name) -> bool:
        waiting = self._keys.get(name)
        return (waiting is not None and waiting[0].until >= self._at) or (
            name in self._recorded_keys
        )

    def add(self, entry: Entry, index: int, stored: SealedAnswer) -> None:
        """Take the effects of the leaf ``index``; ``refuse_recorded`` has been called before.

        ``stored`` is the payload of the idempotency effect, sealed.
        """
        effects = entry.effects
        if effects.reset:
            state_rows.forget(self._connection, effects.reset)
        self._effects.add(effects)
        if effects.idempotency:
            again = effects.idempotency
            self._keys[again.peer, again.key] = (again, stored, index)
        self._add_what_was_seen(effects, index)
        opened = unacknowledged.row(entry.leaf, index)
        if opened is not None:
            self._unacknowledged.append(opened)
        else:
            unacknowledged.follow(self._connection, entry.leaf)
        self._questions.follow(entry.leaf)

    def _add_what_was_seen(self, effects: Effects, index: int) -> None:
        if effects.receipt:
            r = effects.receipt
            self._receipts.append((index, r.peer, r.leaf, r.proof))
        if effects.seen:
            self._seen.append(effects.seen)

    def write(self) -> None:
        """Write what waits."""
        self._recent.append(self._effects, self._at)
        if self._answered is not None:  # before it is on disk, where a repeated question finds it
            for i, _, _ in self._keys.values():
                self._answered.note(i.peer, i.key, i.until, self._at)
        many_rows.insert(
            self._connection,
            "OR REPLACE INTO idempotency",
            [
                (i.peer, i.key, i.body_digest, stored.slot, stored.data, index, i.until)
                for i, stored, index in self._keys.values()
            ],
        )
        self._recorded_keys.update(
            name for name, (i, _, _) in self._keys.items() if i.until >= self._at
        )
        unacknowledged.insert(self._connection, self._unacknowledged)
        many_rows.insert(self._connection, "INTO kept_receipts", self._receipts)
        seen_checkpoints.keep(self._connection, self._seen)
        self._questions.write(self._connection)
        self._effects = BatchEffects()
        self._keys.clear()
        self._unacknowledged.clear()
        self._receipts.clear()
        self._seen.clear()
