"""Forks from a tree of exactly 2^n leaves: the one hash that shows them is read from the log.

A consistency proof from such a tree leaves out the tree's own root, which the verifier knows. Where
it leads elsewhere, it does not show what the larger tree's first 2^n leaves are. Their root stands
in the log's tiles, and together with the proof it shows that it is theirs.

Rule of this file: what was refused is refused at once and waits for nothing; a partner that does
not give the hash has shown nothing, and no file says that it has. What waits for a hash lies in
witness.db, so that ending the node does not end it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from node.audit.errors import LogUnavailable
from node.federation.client import TransportError
from node.witness.partner_logs import NotRead
from node.witness.record import Suspected
from protocol.checkpoint import parse_checkpoint
from protocol.fork import Fork, contradict, parse_fork
from protocol.log_errors import MalformedFork
from protocol.note import parse_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.federation.peer import Peer
    from node.federation.peers import PeerBook
    from node.witness.forks import Forks
    from node.witness.partner_logs import PartnerLogs
    from node.witness.record import WitnessRecord
    from protocol.checkpoint import Checkpoint

LOOK_EVERY_S = 10.0
ATTEMPTS = 6

_log = structlog.get_logger("witness")


class Suspicions:
    """Keeps evidence of forks, or what it lacks until that is read; one per node.

    `note` may be called from any thread; of each partner the newest suspicion is looked into.
    """

    def __init__(
        self, peers: PeerBook, logs: PartnerLogs, forks: Forks, record: WitnessRecord
    ) -> None:
        self._peers, self._logs, self._forks, self._record = peers, logs, forks, record

    def note(
        self,
        peer: Peer,
        first: tuple[Checkpoint, bytes],
        second: tuple[Checkpoint, bytes],
        proof: Sequence[bytes],
    ) -> None:
        """Take two trees that the log of `peer` signed, the smaller first, and what leads between.

        What contradicts by itself is kept at once; of trees that do not, nothing is.
        """
        (old, old_note), (new, new_note) = first, second
        fork = Fork(old_note, new_note, tuple(proof), (peer.record.root.encode(),))
        if contradict(old, new, proof):
            self._keep(fork)
        elif old.size.bit_count() == 1 and old.size < new.size:
            found = Suspected(peer.organisation, peer.record.pinned, fork.encode())
            with suppress(LogUnavailable):  # a full disk does not change the refusal
                self._record.suspect(found)

    async def look(self) -> None:
        """Read what is lacking from partners' logs."""
        for found in await asyncio.to_thread(self.waiting):
            peer = self._partner(found)
            done = peer is None or await self._complete(peer, found)
            if done or found.attempts + 1 >= ATTEMPTS:
                await asyncio.to_thread(self._record.forget, found)
            else:
                await asyncio.to_thread(self._record.tried, found)

    def waiting(self) -> list[Suspected]:
        """Return what waits for a hash; raises LogTooNew for the file of a later release."""
        try:
            return self._record.suspected()
        except LogUnavailable as error:
            _log.error("suspected forks not read", cause=str(error))
            return []

    def _partner(self, found: Suspected) -> Peer | None:
        """The partner while it is an active one, and of the same pairing."""
        same = (p for p in self._peers.all() if p.organisation == found.organisation)
        peer = next((p for p in same if p.record.pinned == found.root), None)
        return peer if self._peers.is_active(found.organisation) else None

    async def _complete(self, peer: Peer, found: Suspected) -> bool:
        """Read the hash and keep the evidence if it shows it; tells whether it could be read."""
        try:
            fork = parse_fork(found.fork)
        except MalformedFork as error:
            _log.error("suspected fork not read", peer=peer.organisation, cause=str(error))
            return True
        notes = (fork.first, fork.second)
        old, new = (parse_checkpoint(parse_note(note).text) for note in notes)
        level = old.size.bit_length() - 1
        try:
            missing = await self._logs.root_of_first(peer, level, new.size)
        except (TransportError, NotRead) as error:
            _log.info("suspected fork not read", peer=peer.organisation, cause=str(error))
            return False
        proof = (missing, *fork.proof)
        if contradict(old, new, proof):
            self._keep(Fork(fork.first, fork.second, proof, fork.roots))
        return True

    def _keep(self, fork: Fork) -> None:
        with suppress(OSError):  # a full disk does not change the refusal
            self._forks.keep(fork)
