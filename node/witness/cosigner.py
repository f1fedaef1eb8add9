"""Being a partner's witness: bytes of a request in, cosignature lines out. No HTTP in here.

The steps are C2SP tlog-witness's "add-checkpoint", with its status codes:

1. form (400).
2. the log is one of an active partner, under the name that a person approved (404).
3. a key of that log signed, which the partner's root document gives this size of tree, and which is
   valid and not revoked (403); then the rate of that log from one network (429, ours).
4. it follows from what was cosigned last (400, 409, 422), and does not contradict a checkpoint that
   came with the partner's answers (422).
5. the record is advanced by compare-and-swap and is on disk (409 where another was faster).
6. only now is it cosigned, with the present time (503, ours, while the own clock is doubted).

Rule of this file: it appends no leaf. One for each cosignature would make a new tree, which
partners would have to cosign, without end.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from keys.signer import Signer
from node.audit.log import AuditLog
from node.clock import Clock
from node.federation.budgets import RateTokens
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.witness.record import WitnessRecord
from node.witness.suspicions import Suspicions
from protocol.add_checkpoint import (
    AddCheckpoint,
    Inconsistent,
    OtherOldSize,
    SubmissionRefused,
    claimed_checkpoint,
    parse_add_checkpoint,
    require_consistent,
    require_signed,
)
from protocol.answer_content import AnsweringPeer
from protocol.checkpoint import Checkpoint, parse_checkpoint
from protocol.cosignature import cosign, witness_name
from protocol.log_errors import MalformedSubmission
from protocol.note import parse_note, trimmed

PER_MINUTE = 60
"""Requests a minute that are judged for one log from one network."""


class Cosigner:
    """Cosigns; one per node.

    Args:
        organisation: whose cosignatures they are.
        peers: whose logs are cosigned.
        record: what was cosigned last.
        suspicions: keeps evidence of forks.
        log: knows checkpoints that came with answers; called when first needed.
        signer: of the witness key; None where this node is nobody's witness.
        clock: epoch seconds UTC.
        doubted: whether that clock is doubted.
        unknown_key: told an organisation whose newest documents may name the key that signed.
    """

    def __init__(
        self,
        organisation: str,
        peers: PeerBook,
        record: WitnessRecord,
        suspicions: Suspicions,
        log: Callable[[], AuditLog],
        signer: Callable[[], Signer | None],
        clock: Clock,
        doubted: Callable[[], bool],
        unknown_key: Callable[[str], None],
    ) -> None:
        self._name = witness_name(organisation)
        self._peers, self._record, self._suspicions, self._log = peers, record, suspicions, log
        self._signer, self._clock, self._doubted = signer, clock, doubted
        self._unknown_key = unknown_key
        self._tokens = RateTokens()

    async def add(self, raw: bytes, network: str) -> bytes:
        """Return the cosignature lines for a request, or raise SubmissionRefused.

        `network` is where it comes from. Raises LogUnavailable where the record cannot be written.
        """
        try:
            request = parse_add_checkpoint(raw)  # step 1
            claimed = claimed_checkpoint(request)
        except MalformedSubmission as error:
            raise SubmissionRefused(400, str(error)) from None
        peer = self._partner_with(claimed.origin)  # step 2
        signer = self._signer()
        if peer is None or signer is None:
            raise SubmissionRefused(404, "this log is not cosigned here")
        request, new = self._signed(request, peer)  # step 3
        if not self._tokens.take(f"{new.origin} {network}", 1, PER_MINUTE, time.monotonic()):
            raise SubmissionRefused(429, f"at most {PER_MINUTE} requests a minute")
        if self._doubted():
            raise SubmissionRefused(503, "the clock here is doubted")
        at = self._clock()
        await asyncio.to_thread(self._advance, request, new, peer, at)  # steps 4 and 5
        text = parse_note(request.note).text
        return cosign(text, self._name, signer, at).line().encode()  # step 6

    def latest(self, peer: Peer) -> tuple[Checkpoint, bytes] | None:
        """Return what was cosigned last of a partner's log, and its signed note."""
        return self._record.latest(peer.log_origin, peer.record.pinned)

    def _partner_with(self, origin: str) -> Peer | None:
        found = (peer for peer in self._peers.all() if peer.log_origin == origin)
        return next((p for p in found if self._peers.is_active(p.organisation)), None)

    def _signed(self, request: AddCheckpoint, peer: Peer) -> tuple[AddCheckpoint, Checkpoint]:
        """Verify the checkpoint; returns it, and the request with no more of it than is kept."""
        at = self._clock()
        ring = peer.ring(at)
        if ring is None:
            raise SubmissionRefused(403, "the root document of the log's owner has expired")
        known = AnsweringPeer(ring, peer.log_origin, peer.root.log_terms)
        try:
            keys = known.log_keys(at)
            new = require_signed(request, peer.log_origin, keys)
            return replace(request, note=trimmed(request.note, keys.ranges)), new
        except SubmissionRefused:
            self._unknown_key(peer.organisation)
            raise

    def _advance(self, request: AddCheckpoint, new: Checkpoint, peer: Peer, at: int) -> None:
        found = self.latest(peer)
        latest, note = found if found is not None else (None, b"")
        try:
            require_consistent(request, new, latest)
            self._compare_with_answers(request, new, peer)
        except Inconsistent:
            if latest is not None:
                self._suspicions.note(peer, (latest, note), (new, request.note), request.proof)
            raise
        if latest is not None and latest.size == new.size:
            return  # the same tree again: there is nothing to write
        if not self._record.advance(peer.record.pinned, request.old, new, request.note, at):
            now = self.latest(peer)
            raise OtherOldSize(now[0].size if now is not None else 0)

    def _compare_with_answers(self, request: AddCheckpoint, new: Checkpoint, peer: Peer) -> None:
        """Compare with the largest checkpoint that came with the partner's answers."""
        seen = self._log().seen(peer.organisation, peer.record.pinned, peer.log_origin)
        if seen is None or seen.size != new.size:
            return
        head = parse_checkpoint(parse_note(seen.note).text)
        if head.root != new.root:
            self._suspicions.note(peer, (head, seen.note), (new, request.note), ())
            raise Inconsistent("an answer came with another tree of this size")
