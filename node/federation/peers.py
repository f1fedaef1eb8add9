"""Partners: whom a person decided to trust, in which state, and the newest documents seen of them.

Rules of this file:

- Only a person makes a partner: a pairing adds it as `pending`, which is nobody yet, and the words
  that its admin read out make it active. The root key's id of the pairing is pinned.
- The highest versions of root document and card that were accepted are kept and never go back; what
  cannot be fetched or accepted leaves the old one in force until it expires.
- Every change of state leaves a `peer` leaf. The state changes in memory in the guard of that leaf,
  which the log writer runs in leaf order: nothing is answered after a `revoked` leaf. The file is
  written before the leaf, so that a crash in between cannot bring a revoked partner back; the
  missing leaf is then appended when the node opens. Until then every write of the file keeps the
  pending state, whatever documents arrive.
- Withdrawing holds even when the leaf cannot be written; permitting does not.

States: `pending` -> `active` <-> `paused`, all -> `revoked`; only a new pairing ends `revoked`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from keys.ring import KeyRing
from keys.words import same_words
from node.federation.errors import (
    LogNotApproved,
    PeerExists,
    PeerNotActive,
    PeerUnknown,
    WordsDiffer,
)
from node.federation.peer import Peer, PeerRecord, State, read_peer
from node.federation.peer_files import PeerFiles
from node.turns import Turns
from protocol.card import Card

_NEXT: dict[State, tuple[State, ...]] = {
    "pending": ("active", "revoked"),
    "active": ("paused", "revoked"),
    "paused": ("active", "revoked"),
    "revoked": (),
}
_PERMITS: frozenset[State] = frozenset({"active"})


AppendLeaf = Callable[[Peer, Callable[[], None]], Awaitable[None]]
"""Appends the `peer` leaf; the second argument is the guard to run just before its commit."""


class PeerBook:
    """All partners, on disk and in memory."""

    def __init__(self, directory: Path) -> None:
        self._files = PeerFiles(directory)
        self._peers: dict[str, Peer] = {}
        self._turns = Turns()
        self._pending: dict[str, tuple[State, int]] = {}  # on disk, its leaf not yet in the log

    @classmethod
    def open(cls, directory: Path) -> "PeerBook":
        """Read every partner's file; raises PeerDamaged, naming it, for a damaged one."""
        book = cls(directory)
        book._peers = book._files.read()
        return book

    def all(self) -> list[Peer]:
        """Every partner, by name."""
        return [self._peers[name] for name in sorted(self._peers)]

    def find(self, organisation: str) -> Peer | None:
        """The partner of that name, or None."""
        return self._peers.get(organisation)

    def get(self, organisation: str) -> Peer:
        """The partner of that name; raises PeerUnknown."""
        peer = self._peers.get(organisation)
        if peer is None:
            raise PeerUnknown(
                f"{organisation} is no partner of this node.", fix="interlingua peer list"
            )
        return peer

    def active(self, organisation: str) -> Peer:
        """The partner, if it may be asked; raises PeerUnknown or PeerNotActive."""
        peer = self.get(organisation)
        if peer.state != "active":
            raise PeerNotActive(
                f"{organisation} is {peer.state} here.", fix=f"interlingua peer list; {_REVIVE}"
            )
        if not peer.log_approved:
            raise LogNotApproved(
                f"{organisation} has opened another audit log, {peer.card.log_origin}, after a "
                f"loss; {peer.log_origin} was approved here.",
                fix=f"Ask its admin what was lost, then: interlingua peer approve-log "
                f"{organisation}",
            )
        return peer

    def is_active(self, organisation: str) -> bool:
        """Whether the partner may ask and be asked at this moment."""
        peer = self._peers.get(organisation)
        return peer is not None and peer.state == "active" and peer.log_approved

    def ring(self, organisation: str, at: int) -> KeyRing | None:
        """The keys under which a partner may speak.

        A paused partner is still recognised, so that it can be told; a revoked or pending one is
        nobody.
        """
        peer = self._peers.get(organisation)
        if peer is None or peer.state in ("revoked", "pending"):
            return None
        return peer.ring(at)

    async def add(self, record: PeerRecord, append: AppendLeaf) -> Peer:
        """Add a pending partner whose documents were accepted as the first ones of its pin.

        Raises PeerExists, unless the partner of that name is revoked.
        """
        return await self._turns.take(lambda: self._add(record, append))

    def require_free(self, organisation: str) -> None:
        """Raise PeerExists where a partner of that name is here and not revoked."""
        before = self._peers.get(organisation)
        if before is not None and before.state != "revoked":
            raise PeerExists(
                f"{organisation} is a partner already ({before.state}).",
                fix=f"If it is to be paired anew: interlingua peer remove {organisation}, then "
                "begin with an invitation.",
            )

    async def _add(self, record: PeerRecord, append: AppendLeaf) -> Peer:
        name, before = record.organisation, self._peers.get(record.organisation)
        self.require_free(name)
        peer = read_peer(record)
        if before is not None:
            self._files.supersede(name, [before.record.root])
        self._files.write(record)
        try:
            await append(peer, lambda: self._swap(name, peer))
        except BaseException:
            self._swap(name, before)
            self._restore(name, before)
            raise
        return self._settle(name)

    async def approve(self, organisation: str, words: str, at: int, append: AppendLeaf) -> Peer:
        """Make a pending partner active, by the words that its admin read out.

        Raises WordsDiffer, or PeerNotActive where nothing waits for approval.
        """
        return await self._turns.take(lambda: self._approve(organisation, words, at, append))

    async def _approve(self, organisation: str, words: str, at: int, append: AppendLeaf) -> Peer:
        peer = self.get(organisation)
        if peer.state != "pending":
            raise PeerNotActive(
                f"{organisation} is {peer.state} here: nothing waits for approval.",
                fix="interlingua peer list",
            )
        if peer.record.words is None or not same_words(words, peer.record.words):
            raise WordsDiffer(f"These are not the six words of the pairing with {organisation}.")
        return await self._change_state(organisation, "active", at, append)

    async def change_state(
        self, organisation: str, state: State, at: int, append: AppendLeaf
    ) -> Peer:
        """Pause, resume or revoke; the state it already has is no error and leaves no leaf.

        A caller who goes away does not stop it.
        """
        if state == "active" and self.get(organisation).state == "pending":
            raise PeerNotActive(
                f"{organisation} is pending here.",
                fix=f'interlingua peer approve {organisation} --words "..."',
            )
        return await self._turns.take(lambda: self._change_state(organisation, state, at, append))

    async def remove(self, organisation: str, at: int, append: AppendLeaf) -> Peer:
        """Forget a partner; one that is not revoked is revoked first, with its leaf."""
        return await self._turns.take(lambda: self._remove(organisation, at, append))

    async def _remove(self, organisation: str, at: int, append: AppendLeaf) -> Peer:
        revoked = await self._change_state(organisation, "revoked", at, append)
        self._files.supersede(organisation, [revoked.record.root])
        self._files.remove(organisation)
        self._swap(organisation, None)
        return revoked

    async def _change_state(
        self, organisation: str, state: State, at: int, append: AppendLeaf
    ) -> Peer:
        before = self.get(organisation)
        again = before.state == state
        if again and before.record.logged:
            return before
        if not again and state not in _NEXT[before.state]:
            raise PeerNotActive(f"{organisation} is {before.state} here.", fix=_REVIVE)
        after = before.changed(state=state, changed_at=at, logged=False)
        self._files.write(after.record)
        self._pending[organisation] = state, at
        try:
            await append(after, lambda: self._set_state(organisation, state, at))
        except BaseException:
            del self._pending[organisation]
            if state in _PERMITS:
                self._set_state(organisation, before.state, before.record.changed_at)
            else:
                self._set_state(organisation, state, at)
            self._write(self.get(organisation))
            raise
        del self._pending[organisation]
        return self._settle(organisation)

    def renew(self, organisation: str, roots: Sequence[bytes], card: bytes | None, at: int) -> Peer:
        """Take over newer documents if they are acceptable; the same ones again are no error.

        `roots` are successive versions, the newest last. Raises DocumentRefused, and the old
        documents stay in force.
        """
        peer = self.get(organisation)
        renewed, superseded = peer.renewed(roots, card, at)
        if renewed is not peer:
            self._files.supersede(organisation, superseded)
            self._write(renewed)
            self._peers[organisation] = renewed
        return renewed

    async def renew_aside(
        self, organisation: str, roots: Sequence[bytes], card: bytes | None, at: int
    ) -> Peer:
        """As `renew`, judged in a thread: large documents, in numbers, hold nobody up.

        What another change overtakes is judged anew, so that no state is lost.
        """
        while True:
            peer = self.get(organisation)
            renewed, superseded = await asyncio.to_thread(peer.renewed, roots, card, at)
            for text in superseded:
                self._files.supersede(organisation, [text])
                await asyncio.sleep(0)
            if self.get(organisation) is peer:
                break
        if renewed is not peer:
            self._write(renewed)
            self._peers[organisation] = renewed
        return renewed

    def card(self, organisation: str, at: int) -> Card:
        """The partner's card while it is valid; raises CardUnavailable."""
        return self.get(organisation).card_at(at)

    def log_later(self, organisation: str) -> None:
        """Note that the partner as it is now has no leaf yet: `log_missing` appends it."""
        unlogged = self.get(organisation).changed(logged=False)
        self._files.write(unlogged.record)
        self._swap(organisation, unlogged)

    async def approve_log(self, organisation: str, at: int, append: AppendLeaf) -> Peer:
        """Accept the log that a partner's card names in place of the one that was approved.

        The log that is approved already is no error and leaves no leaf.
        """
        return await self._turns.take(lambda: self._approve_log(organisation, at, append))

    async def _approve_log(self, organisation: str, at: int, append: AppendLeaf) -> Peer:
        before = self.get(organisation)
        if before.log_approved:
            return before
        origin = before.card.log_origin

        def approved() -> Peer:
            newest = self._peers[organisation]
            return newest.changed(log_origin=origin, changed_at=at, logged=False)

        await append(approved(), lambda: self._swap(organisation, approved()))
        return self._settle(organisation)

    async def log_missing(self, append: AppendLeaf) -> None:
        """Append the `peer` leaves that a crash prevented; call it before serving."""
        for peer in self.all():
            if not peer.record.logged:
                await append(peer, lambda: None)
                self._settle(peer.organisation)

    def _set_state(self, organisation: str, state: State, at: int) -> None:
        """Change the newest record: `renew` may have run since the change began."""
        newest = self._peers[organisation]
        self._swap(organisation, newest.changed(state=state, changed_at=at, logged=False))

    def _write(self, peer: Peer) -> None:
        """Write a partner's file, in the state whose leaf is being written where there is one."""
        pending = self._pending.get(peer.organisation)
        if pending is not None:
            state, at = pending
            peer = peer.changed(state=state, changed_at=at, logged=False)
        self._files.write(peer.record)

    def _settle(self, organisation: str) -> Peer:
        """Note that the leaf stands."""
        settled = self._peers[organisation].changed(logged=True)
        self._files.write(settled.record)
        self._peers[organisation] = settled
        return settled

    def _swap(self, organisation: str, peer: Peer | None) -> None:
        if peer is None:
            self._peers.pop(organisation, None)
        else:
            self._peers[organisation] = peer

    def _restore(self, organisation: str, before: Peer | None) -> None:
        if before is None:
            self._files.remove(organisation)
        else:
            self._files.write(before.record)


_REVIVE = (
    "interlingua peer resume NAME ends a pause; a revoked partner is paired with anew: "
    "interlingua peer invite"
)
