"""Following up receipts: the proof under a cosigned checkpoint that makes one `WITNESSED`.

Rule of this file: a receipt that came with an answer is the partner's word alone. The partner is
asked for proofs of its leaves until enough organisations other than the two have cosigned a tree
that holds them; a partner of which no such witness is known is not asked. Nothing that comes is
kept before it verified. A log that did not go on from a tree that was seen here is a fork, and what
shows it is kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from node.audit.errors import AuditError
from node.federation.client import TransportError
from node.witness.partner_logs import NotRead
from protocol.answer_content import AnsweringPeer
from protocol.checkpoint import open_checkpoint, parse_checkpoint
from protocol.limits import MAX_PROOFS
from protocol.log_errors import LogMaterialError, ProofMismatch
from protocol.merkle import verify_consistency
from protocol.note import parse_note, trimmed
from protocol.problems import Refused
from protocol.proofs_message import hashes
from protocol.tlog_proof import TlogProof, parse_proof, verify_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from node.audit.cosigned_rows import UnwitnessedReceipt
    from node.audit.log import AuditLog
    from node.clock import Clock
    from node.federation.peer import Peer
    from node.federation.peers import PeerBook
    from node.witness.cosigner import Cosigner
    from node.witness.partner_logs import PartnerLogs
    from node.witness.suspicions import Suspicions
    from protocol.checkpoint import Checkpoint
    from protocol.log_keys import LogKeys
    from protocol.proofs_message import Proofs
    from protocol.witness_policy import WitnessPolicy

FOLLOW_EVERY_S = 10.0
BATCHES = 16
"""Requests to one partner in one round, each for `MAX_PROOFS` receipts."""
FIRST_PAUSE_S = 10
LONGEST_PAUSE_S = 900
LOOK_BACK = 100_000
"""Leaves of the own log in which receipts are looked for after a start."""

_log = structlog.get_logger("witness")


@dataclass(frozen=True)
class Following:
    """How far one partner's receipts were followed up.

    `first` is the leaf from which they are looked for, `waiting` how many the last look found.
    """

    organisation: str
    first: int
    waiting: int = 0
    problem: str | None = None
    failures: int = 0
    next_at: int = 0


class Follower:
    """Asks for proofs; one per node, on its event loop."""

    def __init__(
        self,
        organisation: str,
        peers: PeerBook,
        logs: PartnerLogs,
        log: Callable[[], AuditLog],
        clock: Clock,
        policy: Callable[[], WitnessPolicy],
        cosigner: Cosigner,
        suspicions: Suspicions,
    ) -> None:
        self._organisation, self._peers, self._logs = organisation, peers, logs
        self._log, self._clock = log, clock
        self._policy, self._cosigner, self._suspicions = policy, cosigner, suspicions
        self._following: dict[str, Following] = {}

    def following(self, organisation: str) -> Following | None:
        """How far a partner's receipts were followed up, None before the first look."""
        return self._following.get(organisation)

    async def follow_due(self) -> None:
        """Ask every partner whose receipts wait for proofs and whose pause is over."""
        policy, at = self._policy(), self._clock()
        found = [
            peer
            for peer in self._peers.all()
            if peer.is_asked and _reachable(policy, self._organisation, peer.organisation)
        ]
        due = [peer for peer in found if self._begin(peer.organisation).next_at <= at]
        await asyncio.gather(*(self._follow(peer, policy) for peer in due))

    def _begin(self, name: str) -> Following:
        if name not in self._following:
            first = max(0, self._log().size() - LOOK_BACK)
            self._following[name] = Following(name, first)
        return self._following[name]

    async def _follow(self, peer: Peer, policy: WitnessPolicy) -> None:
        """Follow up one partner's receipts; never raises for what it did."""
        name = peer.organisation
        try:
            for _ in range(BATCHES):
                held = self._following[name]
                waiting = await asyncio.to_thread(
                    self._log().unwitnessed, name, held.first, MAX_PROOFS
                )
                held = self._following[name] = replace(held, waiting=len(waiting))
                if not waiting:
                    break
                kept = await self._follow_batch(peer, waiting, policy)
                first = max(kept, default=held.first - 1) + 1
                self._following[name] = Following(name, first, len(waiting) - len(kept))
                if not kept:
                    self._pause(name, "their trees are not cosigned yet", longest=FIRST_PAUSE_S)
                    break
        except (TransportError, LogMaterialError, AuditError, Refused, NotRead) as error:
            self._pause(name, str(error), longest=LONGEST_PAUSE_S)
            _log.info("receipts not followed", peer=name, cause=str(error))

    def _pause(self, name: str, problem: str, *, longest: int) -> None:
        held = self._following[name]
        pause = min(FIRST_PAUSE_S * 2**held.failures, longest)
        self._following[name] = replace(
            held, problem=problem, failures=held.failures + 1, next_at=self._clock() + pause
        )

    async def _follow_batch(
        self, peer: Peer, waiting: Sequence[UnwitnessedReceipt], policy: WitnessPolicy
    ) -> list[int]:
        """Ask for proofs of these receipts; returns those that are witnessed now, from the first.

        Later ones than the first that is not wait with it, so that none is forgotten.
        """
        former = _of_other_log(waiting, peer.log_origin)
        if former:  # a log that was succeeded since proves nothing any more
            return former
        received = [parse_proof(each.proof) for each in waiting]
        trees = [_tree(proof.checkpoint) for proof in received]
        seen = await asyncio.to_thread(self._largest_seen, peer)
        leaves = [proof.index for proof in received]
        proofs = await self._logs.proofs(peer, leaves, seen[0].size if seen else None)
        if proofs.checkpoint is None:
            raise NotRead("no tree of it was cosigned yet")
        note = proofs.checkpoint.encode()
        head = open_checkpoint(note, peer.log_origin, self._keys(peer))
        if seen is not None:
            self._goes_on(peer, seen, (head, note), proofs)
        await self._goes_on_from_receipts(peer, trees, (head, note))
        if not policy.judge(note, self._organisation, peer.organisation).enough:
            raise NotRead("too few witnesses have cosigned yet")
        names = (*self._keys(peer).ranges, *(witness.key for witness in policy.witnesses))
        note, kept = trimmed(note, names), []
        for each, index, path, tree in zip(waiting, leaves, proofs.paths, trees, strict=False):
            if path is None or tree[0].size > head.size:
                break
            proof = TlogProof(index, hashes(path), note).encode()
            verify_receipt(each.leaf, proof, self._keys(peer), peer.log_origin)
            kept.append((each.index, proof))
        await asyncio.to_thread(self._log().keep_witnessed, kept)
        return [index for index, _ in kept]

    async def _goes_on_from_receipts(
        self, peer: Peer, trees: Sequence[tuple[Checkpoint, bytes]], shown: tuple[Checkpoint, bytes]
    ) -> None:
        """Check that the cosigned tree goes on from the newest receipt's that is no larger.

        What was seen at last is often larger than what was cosigned, or was shown to this node as a
        witness: of the receipts that are followed here, it says nothing then.
        """
        covered = [one for one in trees if one[0].size <= shown[0].size]
        if not covered:
            return
        newest = max(covered, key=lambda one: one[0].size)
        proofs = await self._logs.proofs(peer, (), newest[0].size)
        if (proofs.checkpoint or "").encode() != shown[1]:
            raise NotRead("its cosigned tree has just become another one")
        self._goes_on(peer, newest, shown, proofs)

    def _keys(self, peer: Peer) -> LogKeys:
        known = AnsweringPeer(peer.root.ring, peer.log_origin, peer.root.log_terms)
        return known.log_keys(self._clock())

    def _largest_seen(self, peer: Peer) -> tuple[Checkpoint, bytes] | None:
        """The largest tree of a partner's log that it showed here: in an answer, or to cosign."""
        found = []
        answered = self._log().seen(peer.organisation, peer.record.pinned, peer.log_origin)
        if answered is not None:
            found.append(_tree(answered.note))
        cosigned = self._cosigner.latest(peer)
        if cosigned is not None:
            found.append(cosigned)
        return max(found, key=lambda one: one[0].size, default=None)

    def _goes_on(
        self,
        peer: Peer,
        seen: tuple[Checkpoint, bytes],
        shown: tuple[Checkpoint, bytes],
        proofs: Proofs,
    ) -> None:
        """Check that the cosigned tree goes on from the one that was seen; keep what shows a fork.

        Raises ProofMismatch where it does not, NotRead where the proof is missing.
        """
        old, new = seen[0], shown[0]
        if old.size > new.size or old.size == 0:
            return  # cosigned earlier than seen: the next one will cover it
        if proofs.consistency is None:
            raise NotRead("it does not show that its log went on from what was seen here")
        path = hashes(proofs.consistency)
        try:
            verify_consistency(old.size, new.size, old.root, new.root, path)
        except ProofMismatch:
            self._suspicions.note(peer, seen, shown, path)
            raise


def _tree(note: bytes) -> tuple[Checkpoint, bytes]:
    return parse_checkpoint(parse_note(note).text), note


def _of_other_log(waiting: Sequence[UnwitnessedReceipt], origin: str) -> list[int]:
    """Return the first receipts' indexes as long as they are of another log."""
    found = []
    for each in waiting:
        note = parse_proof(each.proof).checkpoint
        if parse_checkpoint(parse_note(note).text).origin == origin:
            break
        found.append(each.index)
    return found


def _reachable(policy: WitnessPolicy, own: str, peer: str) -> bool:
    """Whether as many organisations other than the two could cosign as are needed."""
    others = {witness.organisation for witness in policy.witnesses} - {own, peer}
    return len(others) >= policy.needed
