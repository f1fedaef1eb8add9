"""Forks from a tree of exactly 2^n leaves: the one hash that shows them is read from the log.

A consistency proof from such a tree leaves out the tree's own root, which the verifier knows. Where
it leads elsewhere, it does not show what the larger tree's first 2^n leaves are. Their root stands
in the log's tiles, and together with the proof it shows that it is theirs.

Rule of this file: what was refused is refused at once and waits for nothing; a partner that does
not give the hash has shown nothing, and no file says that it has.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from node.federation.client import TransportError
from node.witness.partner_logs import NotRead
from protocol.checkpoint import parse_checkpoint
from protocol.fork import Fork, contradict
from protocol.note import parse_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.federation.peer import Peer
    from node.federation.peers import PeerBook
    from node.witness.forks import Forks
    from node.witness.partner_logs import PartnerLogs
    from protocol.checkpoint import Checkpoint

LOOK_EVERY_S = 10.0
ATTEMPTS = 6

_log = structlog.get_logger("witness")


@dataclass(frozen=True)
class _Suspicion:
    peer: Peer
    fork: Fork
    attempts: int = 0


class Suspicions:
    """Keeps evidence of forks, or what it lacks until that is read; one per node.

    `note` may be called from any thread; of each partner the newest suspicion is looked into.
    """

    def __init__(self, peers: PeerBook, logs: PartnerLogs, forks: Forks) -> None:
        self._peers, self._logs, self._forks = peers, logs, forks
        self._waiting: dict[str, _Suspicion] = {}

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
            self._waiting[peer.organisation] = _Suspicion(peer, fork)

    async def look(self) -> None:
        """Read what is lacking from partners' logs."""
        for name, held in tuple(self._waiting.items()):
            read = not self._peers.is_active(name) or await self._complete(held)
            if self._waiting.get(name) is not held:
                continue  # a newer one came meanwhile
            if read or held.attempts + 1 == ATTEMPTS:
                del self._waiting[name]
            else:
                self._waiting[name] = replace(held, attempts=held.attempts + 1)

    async def _complete(self, held: _Suspicion) -> bool:
        """Read the hash and keep the evidence if it shows it; tells whether it could be read."""
        notes = (held.fork.first, held.fork.second)
        old, new = (parse_checkpoint(parse_note(note).text) for note in notes)
        level = old.size.bit_length() - 1
        try:
            missing = await self._logs.root_of_first(held.peer, level, new.size)
        except (TransportError, NotRead) as error:
            _log.info("suspected fork not read", peer=held.peer.organisation, cause=str(error))
            return False
        proof = (missing, *held.fork.proof)
        if contradict(old, new, proof):
            self._keep(replace(held.fork, proof=proof))
        return True

    def _keep(self, fork: Fork) -> None:
        with suppress(OSError):  # a full disk does not change the refusal
            self._forks.keep(fork)
