"""Announcements that arrive: read by anybody's leave, judged by nobody's but the pinned chain.

The rule of this file: an announcement changes only what `PeerBook.renew` accepts, and nothing about
it reaches its sender: the listener answers the same after the same time, while the judgement runs
beside it (docs/protocol-documents.md, section 12).
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from node.clock import Clock
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.refresh import note_new_root
from protocol.announcement import Announcement, AnnouncementMalformed
from protocol.document import DocumentRefused, read_document
from protocol.dsse import DsseRefused, read_envelope
from protocol.limits import MAX_ANNOUNCEMENTS_PER_MINUTE
from protocol.root import ROOT_TYPE, RootDocument, RootRefused

ANSWER_AFTER_S = 0.1
"""Time from the end of an announcement to its answer (seconds): longer than judging takes."""

MAX_WAITING = 16
"""Announcements that wait to be judged; further ones are turned away."""

MAX_PER_MINUTE = 5 * MAX_ANNOUNCEMENTS_PER_MINUTE
"""Announcements that are read from all addresses together in one minute."""

_log = structlog.get_logger(__name__)


class Announcements:
    """Judges what partners announce, one after the other."""

    def __init__(
        self,
        peers: PeerBook,
        clock: Clock,
        note: Callable[[Peer], Awaitable[None]],
        suggest_refresh: Callable[[str], None],
    ) -> None:
        """`note` appends a `peer` leaf, `suggest_refresh` has a partner's documents fetched."""
        self._peers = peers
        self._clock = clock
        self._note = note
        self._suggest_refresh = suggest_refresh
        self._waiting: deque[bytes] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def admit(self, remote: str) -> bool:
        """Whether one more may be read from this address now; counts it if so."""
        minute = self._clock() // 60
        if minute != self._minute:
            self._minute, self._counts = minute, Counter()
        full = self._counts[remote] >= MAX_ANNOUNCEMENTS_PER_MINUTE
        if full or self._counts.total() >= MAX_PER_MINUTE or len(self._waiting) >= MAX_WAITING:
            return False
        self._counts[remote] += 1
        return True

    def take(self, body: bytes) -> None:
        """Have an announcement judged in the background."""
        self._waiting.append(body)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Judge what waits, then stop."""
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        while self._waiting:
            try:
                await self._judge(Announcement.parse(self._waiting.popleft()))
            except AnnouncementMalformed as error:
                _log.info("announcement dropped", cause=str(error))
            except Exception:
                _log.exception("announcement failed")

    async def _judge(self, announced: Announcement) -> None:
        name = announced.organisation
        peer = self._peers.find(name)
        if peer is None or peer.state not in ("active", "paused"):
            _log.info("announcement dropped", cause="no partner", organisation=name)
            return
        try:
            self._renew(peer, announced)
        except DocumentRefused as error:
            _log.warning("announcement refused", peer=name, reason=error.reason, cause=str(error))
            if error.reason == "gap":
                self._suggest_refresh(name)
        newer = self._peers.get(name)
        if newer.root.version != peer.root.version:
            _log.info("partner announced", peer=name, root_version=newer.root.version)
            await note_new_root(self._note, newer)

    def _renew(self, peer: Peer, announced: Announcement) -> None:
        """Take over what is newer; a card that is refused keeps no root document out."""
        at, name = self._clock(), peer.organisation
        newer = newer_than(peer.root, [raw.encode() for raw in announced.roots])
        self._peers.renew(name, newer, None, at)
        if announced.card is not None:
            self._peers.renew(name, (), announced.card.encode(), at)


def newer_than(held: RootDocument, roots: Sequence[bytes]) -> list[bytes]:
    """Return the announced versions that may follow `held`, in their order.

    What no known root key signed is dropped before it is read: reading a large document takes
    longer than checking a signature, and strangers send documents too.
    """
    keys = {key.kid: key.record.public for key in held.roots}
    found = []
    for raw in roots:
        try:
            signed = bool(read_envelope(raw, ROOT_TYPE).signers(keys))
        except DsseRefused:
            continue
        if signed:
            document = read_document(raw, ROOT_TYPE, RootDocument, RootRefused)[0]
            if document.version > held.version:
                found.append(raw)
                keys |= {key.kid: key.record.public for key in document.roots}
    return found
