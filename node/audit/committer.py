"""One batch of entries, one transaction, one fsync, one signed checkpoint.

Rule of this file: nobody learns a receipt before its transaction has committed. After a failed
commit nothing of the batch is in memory either: connection and tree are read from disk again, and
nothing is tried a second time. Only the writer's thread calls in here after opening.

Which key signs is what log.db says. A key takes over with the last leaf of a batch, and the
checkpoint of that batch carries the signatures of both keys; so the size at which the old one ends
is fixed with the leaf, or not at all.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keys.signer import Signer
from keys.thumbprint import thumbprint
from node.audit import log_key_rows, schema, state_rows, tree_rows, unacknowledged
from node.audit.batch_rows import BatchRows
from node.audit.effect_rows import EffectRows
from node.audit.entry import Entry, Receipt, TakeOver
from node.audit.errors import AuditError, LogForeign, LogUnavailable
from node.audit.growth import Growth
from node.audit.hand_over import hand_over_entry, put_last, refuse_former
from node.audit.log_key_rows import stated_keys
from node.audit.noted_ids import NotedIds
from node.audit.own_log_keys import NONE_KNOWN, OwnLogKeys, check_published
from node.audit.tree_rows import Tree
from node.clock import Clock
from node.content.content import NO_ANSWER
from node.content.contents import Batch, Contents
from protocol.merkle import Frontier
from protocol.note import VerifierKey

_logger = logging.getLogger(__name__)

Outcome = Receipt | Exception


@dataclass(frozen=True)
class Prepared:
    """An entry and its leaf's canonical bytes."""

    entry: Entry
    raw: bytes


@dataclass(frozen=True)
class BatchResult:
    """One outcome for each entry of the batch; ``reloaded``: state was read from disk again."""

    outcomes: list[Outcome]
    reloaded: bool = False


class Committer:
    """The open log.db and the tree's right edge, for the one writer."""

    def __init__(
        self,
        path: Path,
        signer: Signer,
        origin: str,
        clock: Clock,
        own: OwnLogKeys = NONE_KNOWN,
        contents: Contents | None = None,
    ) -> None:
        self.verifier_key = VerifierKey(origin, signer.public)
        """The key that signs; its name is the origin."""
        self.path, self._origin, self._clock, self._own = path, origin, clock, own
        self._contents = contents
        self.answered: NotedIds | None = None
        """Idempotency keys that may be on disk, or in the present batch; None: ask the file."""
        self._signers: dict[str, Signer] = {signer.kid: signer}
        self._connection: sqlite3.Connection | None = None
        self._purged_at = -1  # the last second of which nothing that has expired is left
        self._recent: EffectRows
        self.tree: Tree = self._load()

    def take_over_if_needed(self, signer: Signer) -> None:
        """Let a key sign from now on where the one that signed last cannot; for opening the log.

        Raises LogForeign where this one has been followed by another already.
        """
        if self._present() is not None:
            return
        connection = self._connection
        assert connection is not None  # noqa: S101 - opening has just set it; for the type checker
        kids = [thumbprint(key.public) for key in stated_keys(connection)]
        if signer.kid not in kids:
            entry = hand_over_entry(TakeOver(signer), self._clock())
            (outcome,) = self.commit([Prepared(entry, entry.leaf.encode())]).outcomes
            if isinstance(outcome, Exception):
                raise outcome
        else:
            raise LogForeign(
                f"{self.path} is signed by the log key {kids[-1]}, which is not at hand.",
                fix=f"Put its file back into keys/, or: interlingua key revoke {kids[-1]} "
                "--reason lost",
            )

    def commit(self, batch: Sequence[Prepared]) -> BatchResult:
        """Append those of the batch whose guards allow it; never raises.

        An entry that its own guard, nonce or idempotency key refuses gets that exception; the
        others go on. Any failure of the database fails all of them with LogUnavailable.
        """
        outcomes = {n: error for n, one in enumerate(batch) if (error := _objection(one))}
        admitted = {n: one for n, one in enumerate(batch) if n not in outcomes}
        decided: dict[int, Outcome] = dict(outcomes)
        failed = False
        if admitted:
            try:
                decided |= self._transact(admitted)
            except Exception as error:
                failed = True
                _logger.error("audit batch of %d entries dropped: %s", len(admitted), error)
                decided |= {n: _unavailable(error) for n in admitted}
                self._reload()
        return BatchResult([decided[n] for n in range(len(batch))], reloaded=failed)

    def close(self) -> None:
        """Fold the write-ahead log into the file, so that a copy of it is whole, and close it.

        SQLite does so by itself only when nobody else has the file open; a reading that outlives
        its task may. What cannot be folded in now is folded in when the log is next opened.
        """
        if self._connection is None:
            return
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._connection = None

    def _transact(self, admitted: dict[int, Prepared]) -> dict[int, Outcome]:
        if self._connection is None:  # the reload after an earlier failure did not succeed
            self.tree = self._load()
        connection, at = self._connection, self._clock()
        assert connection is not None  # noqa: S101 - _load has just set it; for the type checker
        connection.execute("BEGIN IMMEDIATE")
        growth = Growth(self.tree.frontier)
        ordered = put_last(admitted)
        keeping = self._contents.batch() if self._contents is not None else None
        entries = [one.entry for one in ordered.values()]
        rows = BatchRows(connection, self._recent, self.answered, entries, at)
        outcomes = _grow(connection, growth, ordered, rows, keeping)
        if not growth.leaves:
            connection.execute("ROLLBACK")
            if any(entry.effects.reset for entry in entries):  # it had entered recent effects
                self._recent = EffectRows(connection)
            return outcomes
        added = (one.entry for n, one in ordered.items() if n not in outcomes)
        takes_over = next((e.takes_over for e in added if e.takes_over is not None), None)
        tree = growth.seal(self._origin, *self._sealing(takes_over))
        if takes_over is not None:
            key = VerifierKey(self._origin, takes_over.signer.public)
            log_key_rows.add(connection, growth.next_index, key)
        tree_rows.insert(connection, growth.leaves, growth.nodes, tree.head)
        self._recent.enter_if_many(at)
        if self._purged_at != at and state_rows.purge(connection, at):
            self._purged_at = at
        receipts = {
            n: Receipt(new.index, new.raw, proof)
            for n, new, proof in zip(
                (n for n in ordered if n not in outcomes),
                growth.leaves,
                growth.prove(tree.head),
                strict=True,
            )
        }
        connection.execute("COMMIT")
        self.tree = tree
        if keeping is not None:
            keeping.committed()
        if takes_over is not None:
            self._signers[takes_over.signer.kid] = takes_over.signer
            self.verifier_key = key
        return outcomes | receipts

    def _present(self) -> Signer | None:
        """The signer of the key that signs now; None where it is lost or revoked."""
        kid = thumbprint(self.verifier_key.public)
        return self._signers.get(kid) or self._own.open(kid)

    def _sealing(self, takes_over: TakeOver | None) -> list[Signer]:
        """Who signs a batch's checkpoint: the present key, and the one that takes over."""
        present = None if takes_over is not None and takes_over.alone else self._present()
        found = [*([present] if present else []), *([takes_over.signer] if takes_over else [])]
        if not found:
            raise LogForeign("The key that signs this log is not at hand.")
        return found

    def _load(self) -> Tree:
        """Open the database and rebuild the tree; leaves no connection open if it is refused."""
        connection = schema.connect(self.path, self._origin, str(self.verifier_key))
        try:
            with schema.named(self.path):
                tree, recent = self._compared(connection), EffectRows(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._recent = connection, recent
        return tree

    def _compared(self, connection: sqlite3.Connection) -> Tree:
        """Begin a new log with the checkpoint of an empty tree; compare an old one with its own."""
        terms = log_key_rows.stated_terms(connection)
        origin = schema.meta(connection, "origin")
        own = terms and (terms[-1].kid in self._signers or terms[-1].kid in self._own.kids)
        if origin != self._origin or not own:
            raise LogForeign(
                f"{self.path} is signed by {terms[-1].kid if terms else 'nobody'} as {origin}, "
                f"and this node's log key is {self.verifier_key}."
            )
        self.verifier_key = VerifierKey(origin, terms[-1].key)
        if tree_rows.newest_note(connection) is None and tree_rows.size(connection) == 0:
            begun = Growth(Frontier()).seal(self._origin, *self._sealing(None))
            tree_rows.insert(connection, [], [], begun.head)
        check_published(terms, self._own.terms, tree_rows.size(connection))
        return tree_rows.load(connection, self._origin, log_key_rows.keys_of(terms, self._origin))

    def _reload(self) -> None:
        """Forget what memory believes: roll back, close, open and compare again.

        Raises nothing, whatever is wrong: without the thread that calls it every later entry would
        wait for ever.
        """
        try:
            self.close()  # closing rolls back
            self.tree = self._load()
        except Exception as error:
            self._connection = None
            _logger.error("the audit log stays closed until the next entry: %s", error)


def _objection(prepared: Prepared) -> Exception | None:
    """Run the entry's last check; what it raises is the entry's outcome."""
    if prepared.entry.guard is not None:
        try:
            prepared.entry.guard()
        except Exception as error:
            return error
    return None


def _grow(
    connection: sqlite3.Connection,
    growth: Growth,
    admitted: dict[int, Prepared],
    rows: BatchRows,
    keeping: Batch | None,
) -> dict[int, Outcome]:
    """Write each entry's effects and grow the tree by its leaf; returns those refused."""
    refused: dict[int, Outcome] = {}
    for n, prepared in admitted.items():
        rows.write_before(prepared.entry)
        try:
            refuse_former(connection, growth, prepared.entry.takes_over)
            rows.refuse_recorded(prepared.entry.effects)
            unacknowledged.refuse_again(connection, prepared.entry.leaf)
        except AuditError as error:
            refused[n] = error
            continue
        stored = NO_ANSWER
        if keeping is not None:
            stored = keeping.add(prepared.entry, growth.next_index, prepared.raw)
        rows.add(prepared.entry, growth.next_index, stored)
        growth.add(prepared.entry.leaf, prepared.raw)
    rows.write()
    return refused


def _unavailable(error: Exception) -> LogUnavailable:
    failure = LogUnavailable(f"The audit log could not commit: {error}.")
    failure.__cause__ = error
    return failure
