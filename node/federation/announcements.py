"""Announcements that arrive: read by anybody's leave, judged by nobody's but the pinned chain.

Rules of this file:

- An announcement changes only what `PeerBook` accepts, and nothing about it reaches its sender: the
  listener answers the same after the same time, while the judgement runs beside it, in a thread
  (docs/protocol-documents.md, section 12).
- Strangers cannot hold a partner's revocation back. The counts of a minute decide what is answered
  and nothing else: what was read is judged, also beyond them. What carries nothing that is both new
  and signed by a known root key costs a look and is dropped; what does counts for its partner.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from node.clock import Clock
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.refresh import note_new_root
from node.federation.version_limit import VersionLimit
from protocol.announcement import Announcement, AnnouncementMalformed
from protocol.card import CardRefused
from protocol.document import DocumentRefused
from protocol.dsse import DsseRefused, read_envelope
from protocol.limits import MAX_ANNOUNCEMENTS_PER_MINUTE
from protocol.root import ROOT_TYPE, RootDocument, read_root

ANSWER_AFTER_S = 0.1
"""Time from the end of an announcement to its answer (seconds): longer than judging takes."""

MAX_WAITING = 16
"""Announcements that wait to be judged; further ones are dropped."""

MAX_WAITING_OF_ONE = 8
"""Those among them that came from one network."""

MAX_PER_MINUTE = 5 * MAX_ANNOUNCEMENTS_PER_MINUTE
"""Announcements of all networks together that are answered as read in one minute."""

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
        self._limit = VersionLimit(clock)
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def admit(self, network: str) -> bool:
        """Count one more from this network; say whether it is within the counts of the minute.

        It is to be read and taken all the same, and answered after the same time.
        """
        minute = self._clock() // 60
        if minute != self._minute:
            self._minute, self._counts = minute, Counter()
        full = self._counts[network] >= MAX_ANNOUNCEMENTS_PER_MINUTE
        if full or self._counts.total() >= MAX_PER_MINUTE:
            return False
        self._counts[network] += 1
        return True

    def take(self, body: bytes, network: str = "") -> bool:
        """Have an announcement judged in the background; False where too many wait already.

        Where all places are taken, the network that has most of them loses its last one.
        """
        by_network = Counter(waiting for waiting, _ in self._waiting)
        if by_network[network] >= MAX_WAITING_OF_ONE:
            return False
        if len(self._waiting) >= MAX_WAITING:
            most, count = by_network.most_common(1)[0]
            if count <= by_network[network] + 1:
                return False
            places = [place for place, (name, _) in enumerate(self._waiting) if name == most]
            del self._waiting[places[-1]]
        self._waiting.append((network, body))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return True

    async def close(self) -> None:
        """Judge what waits, then stop."""
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        while self._waiting:
            _, body = self._waiting.popleft()
            try:
                await self._judge(await asyncio.to_thread(Announcement.parse, body))
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
            await self._renew(peer, announced)
        except DocumentRefused as error:
            _log.warning("announcement refused", peer=name, reason=error.reason, cause=str(error))
            if error.reason == "gap":
                self._suggest_refresh(name)
        newer = self._peers.get(name)
        if newer.root.version != peer.root.version:
            self._limit.count(name, newer.root.version - peer.root.version)
            _log.info("partner announced", peer=name, root_version=newer.root.version)
            await note_new_root(self._note, newer)

    async def _renew(self, peer: Peer, announced: Announcement) -> None:
        """Take over what is newer; a card that is refused keeps no root document out."""
        name = peer.organisation
        roots = [raw.encode() for raw in announced.roots]
        newer = await asyncio.to_thread(newer_than, peer.root, peer.record.root.encode(), roots)
        left = self._limit.left(name)
        if len(newer) > left:
            _log.warning("too many new root documents", peer=name, announced=len(newer), taken=left)
        roots, at = newer[:left], self._clock()
        card = announced.card.encode() if announced.card is not None else None
        try:  # both at once: a question in between would find no card under the newer document
            await self._peers.renew_aside(name, roots, card, at)
        except CardRefused:
            await self._peers.renew_aside(name, roots, None, at)
            raise


def newer_than(held: RootDocument, held_raw: bytes, roots: Sequence[bytes]) -> list[bytes]:
    """Return the announced versions that may follow `held`, in their order.

    Ends at the first one that is known, repeated or signed by no known root key. Bytes are compared
    with those held before anything is read, and signatures are checked before a document is:
    reading large documents takes longest, and strangers send documents too.
    """
    after = max((at for at, raw in enumerate(roots, 1) if raw == held_raw), default=0)
    keys = {key.kid: key.record.public for key in held.roots}
    version, found = held.version, list[bytes]()
    for raw in roots[after:]:
        if not _signed(raw, keys):
            break
        document = read_root(raw)[0]
        if document.version <= version:
            break
        found.append(raw)
        version = document.version
        keys |= {key.kid: key.record.public for key in document.roots}
    return found


def _signed(raw: bytes, keys: dict[str, bytes]) -> bool:
    try:
        return bool(read_envelope(raw, ROOT_TYPE).signers(keys))
    except DsseRefused:
        return False
