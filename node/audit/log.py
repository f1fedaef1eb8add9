"""The audit log of a running node: append an entry, get a receipt; read what the log remembers.

Rule of this file: ``append`` returns only after leaf, effects and signed checkpoint are durable.
Readers see committed state, on a connection of their own.

    log = AuditLog.open(data.log_file, identity.signer("log"), origin, clock)
    receipt = await log.append(Entry(leaf, effects, guard))
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from keys.signer import Signer
from keys.thumbprint import thumbprint
from node.audit import (
    cosigned_rows,
    open_questions,
    schema,
    seen_checkpoints,
    state_rows,
    tree_rows,
    unacknowledged,
)
from node.audit.committer import Committer, Prepared
from node.audit.cosigned_rows import CosignedCheckpoint, UnwitnessedReceipt
from node.audit.entry import Entry, Receipt, StoredAnswer, TakeOver
from node.audit.errors import LogHeld, LogUnavailable
from node.audit.hand_over import hand_over_entry
from node.audit.log_key_rows import stated_keys
from node.audit.noted_ids import NotedIds
from node.audit.open_questions import OpenQuestion
from node.audit.own_log_keys import NONE_KNOWN, OwnLogKeys
from node.audit.seen_checkpoints import SeenCheckpoint
from node.audit.succession import succession, was_reset
from node.audit.writer import MAX_WAITING, Writer
from node.clock import Clock
from node.content.contents import Contents
from protocol.leaf import Received
from protocol.merkle import consistency_proof, inclusion_proof
from protocol.note import VerifierKey

LOST = 2**53
"""What counts as spent where it is not known how much was: more than any limit."""


class AuditLog:
    """The open log of one node. Use ``open`` and ``close``.

    ``append`` and ``submit`` belong to an event loop; every other method may be called from any
    thread.
    """

    def __init__(
        self,
        committer: Committer,
        reader: sqlite3.Connection,
        clock: Clock,
        max_waiting: int,
        contents: Contents | None,
    ) -> None:
        self._committer = committer
        self._clock = clock
        self._contents = contents
        self._reader = reader
        self._reading = threading.Lock()
        self._hooks: list[Callable[[], None]] = []
        self._held: str | None = None
        self._first = succession(reader)
        self._writer = Writer(committer.commit, self._run_hooks, max_waiting)

    @classmethod
    def open(
        cls,
        path: Path,
        signer: Signer,
        origin: str,
        clock: Clock,
        *,
        own: OwnLogKeys = NONE_KNOWN,
        max_waiting: int = MAX_WAITING,
        contents: Contents | None = None,
    ) -> "AuditLog":
        """Open log.db, or begin it, for the log ``origin`` under the log key ``signer``.

        The key that signed it last goes on, if it is among ``own`` and at hand, until
        ``hand_over``; else ``signer`` takes over at once. The root is rebuilt from the stored
        subtree hashes and compared with the last checkpoint. What exchanges said is kept in
        ``contents``, which the caller closes after the log; without, nothing of it is kept, stored
        answers neither. Raises LogShortened, LogDamaged,
        LogForeign, LogTooNew (see ``node.audit.errors``) or LogUnavailable; nothing is repaired.
        """
        committer = Committer(path, signer, origin, clock, own, contents)
        try:
            committer.take_over_if_needed(signer)
            with schema.named(path):
                reader = schema.connect_reader(path)
                return cls(committer, reader, clock, max_waiting, contents)
        except BaseException:
            committer.close()
            raise

    async def append(self, entry: Entry) -> Receipt:
        """Make one entry durable and return its receipt.

        Raises what the entry's guard raised, AlreadyRecorded, LogBusy, LogUnavailable (nothing of
        the batch was committed), or MalformedLeaf for a leaf beyond its size. Cancelling the
        caller does not take the entry back: use ``submit`` where something must be settled.
        """
        return await self.submit(entry)

    def submit(self, entry: Entry) -> asyncio.Future[Receipt]:
        """Queue one entry; the future gets what ``append`` would return or raise."""
        if self._held is not None:
            raise LogHeld(self._held)
        return self._writer.submit(Prepared(entry, entry.leaf.encode()))

    def on_reload(self, hook: Callable[[], None]) -> None:
        """Call ``hook`` in the event loop after a failed commit, before its callers learn of it.

        For whoever keeps a copy of the log's counters in memory: read them again.
        """
        self._hooks.append(hook)

    def hold(self, cause: str) -> None:
        """Append nothing from now on: every entry is refused with LogHeld and this cause.

        For a node that finds that partners hold more of its log than it has: whatever it appended
        would contradict what it signed before. Nothing is answered or asked without a leaf.
        """
        self._held = cause

    @property
    def held(self) -> str | None:
        """Why nothing is appended, None where the log is in use."""
        return self._held

    def lost_exposures(self, peer: str, collection: str, epoch: int) -> bool:
        """Whether disclosures were lost with the log before, and not reset since by a person."""
        if self._first is None or epoch > self._first.epoch:
            return False
        with self._read() as connection:
            return not was_reset(connection, peer, collection)

    async def close(self) -> None:
        """Write what is queued and close the files."""
        await asyncio.to_thread(self._writer.close)
        with self._reading:
            self._reader.close()
        self._committer.close()

    async def hand_over(self, takes_over: TakeOver) -> None:
        """Let another key sign from now on: one leaf, whose checkpoint both keys sign.

        Raises as ``append``; AlreadyRecorded for a key that has signed this log before.
        """
        await self.append(hand_over_entry(takes_over, self._clock()))

    @property
    def verifier_key(self) -> VerifierKey:
        """The key that signs this log's checkpoints now; its name is the origin."""
        return self._committer.verifier_key

    @property
    def kid(self) -> str:
        """The id of the key that signs this log's checkpoints now."""
        return thumbprint(self.verifier_key.public)

    def has_signed(self, kid: str) -> bool:
        """Tell whether a key signs this log, or did before another one took over."""
        with self._read() as connection:
            return any(thumbprint(k.public) == kid for k in stated_keys(connection))

    def nonces(self, at: int) -> list[tuple[str, str, int]]:
        """Return every nonce that is live at ``at``: (peer, nonce, until)."""
        with self._read() as connection:
            return state_rows.nonces(connection, at)

    def spent(self, peer: str, collection: str, day: int) -> int:
        """Return the vectors debited from ``peer`` for ``collection`` on ``day``.

        ``LOST`` for a day of which debits were lost with the log before, unless they were reset.
        """
        with self._read() as connection:
            lost = self._first is not None and day <= self._first.day
            if lost and not was_reset(connection, peer, collection):
                return LOST
            return state_rows.spent(connection, peer, collection, day)

    def exposed(self, peer: str, collection: str, epoch: int) -> dict[int, int]:
        """Return how many answers have told ``peer`` of each record, for those that have any."""
        with self._read() as connection:
            return state_rows.exposed(connection, peer, collection, epoch)

    def probes(self, peer: str, collection: str, day: int, most: int) -> list[tuple[bytes, bytes]]:
        """Return mark and sketch of at most ``most`` vectors that ``peer`` was answered."""
        with self._read() as connection:
            return state_rows.probes(connection, peer, collection, day, most)

    def exposed_records(self, peer: str | None, epoch: int) -> list[tuple[str, str, int, int, int]]:
        """Return (peer, collection, records, answers, most) of what was told in ``epoch``."""
        with self._read() as connection:
            return state_rows.exposed_records(connection, peer, epoch)

    def most_exposed(self, collection: str, most: int) -> list[int]:
        """Return at most so many records that partners were told of, most often first."""
        with self._read() as connection:
            return state_rows.most_exposed(connection, collection, most)

    def recall_answered(self) -> None:
        """Hold in memory which idempotency keys were answered; blocks while it reads them.

        From then on ``idempotent`` and the writer read the file for those alone. To be called
        before questions are answered: nothing may be appended meanwhile.
        """
        with self._read() as connection:
            self._committer.answered = NotedIds(state_rows.answered(connection))

    def idempotent(self, peer: str, key: str, at: int) -> StoredAnswer | None:
        """Return what was answered to the idempotency key, if it is still live at ``at``."""
        answered = self._committer.answered
        if answered is not None and not answered.may_hold(peer, key):
            return None
        with self._read() as connection:
            row = state_rows.idempotent(connection, peer, key, at)
        if row is None:
            return None
        payload = None
        if self._contents is not None:
            payload = self._contents.stored(peer, key, row.body_digest, row.leaf_index, row.answer)
        return StoredAnswer(row.body_digest, payload, row.leaf_index, row.until)

    def seen(self, peer: str, root: str, origin: str) -> SeenCheckpoint | None:
        """Return the largest checkpoint that came with answers of the log ``origin`` of ``peer``.

        ``root``: id of the root key that the pairing pinned.
        """
        with self._read() as connection:
            return seen_checkpoints.find(connection, peer, root, origin)

    def open_questions(self) -> list[OpenQuestion]:
        """Return the questions that were sent and have not ended in a leaf."""
        with self._read() as connection:
            return open_questions.still_open(connection)

    def unacknowledged(self, peer: str, leaves: Sequence[int]) -> dict[int, str]:
        """Return the answer digests of those of these leaves that ``peer`` has not confirmed."""
        with self._read() as connection:
            return unacknowledged.waiting(connection, peer, leaves)

    def overdue(self, before: int) -> list[tuple[str, int]]:
        """Return (peer, leaf) of each answer from before that second without a confirmation.

        Those that an ``unacknowledged`` leaf names already are left out.
        """
        with self._read() as connection:
            return unacknowledged.overdue(connection, before)

    def received_since(self, at: int) -> list[tuple[int, Received]]:
        """Return index and leaf of each answer that was received at that second or later."""
        with self._read() as connection:
            return unacknowledged.received_since(connection, at)

    def size(self) -> int:
        """Return the number of committed leaves."""
        with self._read() as connection:
            return tree_rows.size(connection)

    def checkpoint(self) -> bytes:
        """Return the newest committed checkpoint, a signed note."""
        with self._read() as connection:
            newest = tree_rows.newest_note(connection)
        if newest is None:  # opening wrote one
            raise LogUnavailable("The audit log has lost its checkpoints.")
        return newest[1]

    @property
    def path(self) -> Path:
        """The file, for readers with a connection of their own."""
        return self._committer.path

    def receipt(self, index: int) -> Receipt:
        """Return leaf ``index`` with a proof against the newest checkpoint; LookupError if none."""
        with self._read() as connection:
            connection.execute("BEGIN")  # one snapshot for leaf, head and hashes
            try:
                raw, proof = tree_rows.receipt(connection, index)
            finally:
                connection.execute("COMMIT")
            return Receipt(index, raw, proof)

    def inclusion(self, indexes: Sequence[int], size: int) -> list[tuple[bytes, ...] | None]:
        """Return the path of each leaf to the tree of ``size`` leaves; None where it is not in it.

        Raises LogDamaged for a tree that the log has not reached.
        """
        with self._read() as connection:
            hash_at = tree_rows.hash_reader(connection)
            return [
                tuple(inclusion_proof(index, size, hash_at)) if index < size else None
                for index in indexes
            ]

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of ``new`` leaves goes on from that of ``old``."""
        with self._read() as connection:
            return tuple(consistency_proof(old, new, tree_rows.hash_reader(connection)))

    def cosigned(self) -> list[CosignedCheckpoint]:
        """Return the checkpoints that witnesses cosigned, the largest tree first."""
        with self._read() as connection:
            return cosigned_rows.checkpoints(connection)

    def keep_cosigned(self, size: int, note: bytes) -> None:
        """Keep a checkpoint of ``size`` leaves with its cosignatures; raises LogUnavailable."""
        with schema.beside(self.path) as connection:
            cosigned_rows.keep_checkpoint(connection, size, note)

    def unwitnessed(self, peer: str, first: int, most: int) -> list[UnwitnessedReceipt]:
        """Return the oldest receipts of a partner that no witnessed proof has followed."""
        with self._read() as connection:
            return cosigned_rows.unwitnessed(connection, peer, first, most)

    def keep_witnessed(self, proofs: Sequence[tuple[int, bytes]]) -> None:
        """Keep witnessed proofs beside the receipts of those leaves; raises LogUnavailable."""
        with schema.beside(self.path) as connection:
            cosigned_rows.keep_receipts(connection, proofs)

    def _run_hooks(self) -> None:
        for hook in self._hooks:
            hook()

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._reading:
            try:
                yield self._reader
            except sqlite3.Error as error:
                raise LogUnavailable(f"The audit log cannot be read: {error}.") from error
