"""Telling partners of a new root document or card, at once and until they have read it.

The rule of this file: telling blocks nothing and promises nothing. Each active partner with an
address gets the newest documents as often as they change; what does not come through is tried
again, ever more rarely, and partners fetch the documents by themselves anyway. What each has read
is kept in a file, so that a restart tells nobody twice.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import structlog

from node import durable_file
from node.clock import Clock
from node.federation.client import Client, TransportError
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from protocol.announcement import ANNOUNCE_PATH, ANNOUNCEMENT_TYPE, Announcement

DEADLINE_S = 5.0
"""Time for one announcement to one partner (seconds)."""

TELL_EVERY_S = 15.0
"""Time between two looks whether somebody is to be told (seconds)."""

FIRST_PAUSE_S = 15
LONGEST_PAUSE_S = 3600
"""Pause after a failed attempt (seconds); it doubles from the first to the longest."""

AT_ONCE = 8
"""Partners that are told at the same time."""

READ = 202
MAX_ANSWER_BYTES = 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Told:
    """Partners by whether they have read the newest documents."""

    told: tuple[str, ...]
    untold: tuple[str, ...]


@dataclass
class _Attempts:
    """Failed attempts to tell one partner of one state of the documents."""

    content: str
    failures: int = 0
    next_at: int = 0


@dataclass(frozen=True)
class Documents:
    """The newest own documents; `chain` gives all versions of the root document, oldest first."""

    organisation: str
    root: bytes
    card: bytes
    chain: Callable[[], list[bytes]]

    @cached_property
    def digest(self) -> str:
        """Names this state of both documents."""
        return sha256(sha256(self.root).digest() + sha256(self.card).digest()).hexdigest()


class Announcer:
    """Tells partners; one per node, on its event loop."""

    def __init__(
        self,
        documents: Callable[[], Documents],
        peers: PeerBook,
        client: Client,
        clock: Clock,
        path: Path,
        is_fetched: Callable[[], bool],
    ) -> None:
        """`is_fetched`: whether partners can fetch the documents from this node."""
        self._is_fetched = is_fetched
        self._documents = documents
        self._peers = peers
        self._client = client
        self._clock = clock
        self._path = path
        self._read = _kept(path)
        self._attempts: dict[str, _Attempts] = {}
        self._running: dict[str, asyncio.Task[bool]] = {}
        self._free = asyncio.Semaphore(AT_ONCE)
        self._soon: set[asyncio.Task[None]] = set()

    def changed(self) -> None:
        """Tell everybody in the background: something is new."""
        task = asyncio.create_task(self.tell_due())
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    async def tell_due(self) -> None:
        """Tell those who have not read the newest documents and whose pause is over."""
        documents, at = self._documents(), self._clock()
        due = [p for p in self._untold(documents) if self._attempt(p, documents).next_at <= at]
        await asyncio.gather(*(self._tell(peer, documents) for peer in due))

    async def tell_all(self, seconds: float = DEADLINE_S) -> Told:
        """Tell everybody who has not read the newest documents; wait for it at most so long."""
        documents = self._documents()
        telling = [self._tell(peer, documents) for peer in self._untold(documents)]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*telling)
        untold = {peer.organisation for peer in self._untold(documents)}
        everybody = {peer.organisation for peer in self._reachable()}
        return Told(tuple(sorted(everybody - untold)), tuple(sorted(untold)))

    async def before_asking(self, organisation: str) -> None:
        """For a node that nobody can fetch from: bring the documents before the question."""
        peer = self._peers.get(organisation)
        if self._is_fetched() or peer.card.url is None:
            return
        documents = self._documents()
        if self._read.get(organisation) != documents.digest:
            await self._tell(peer, documents)

    async def again(self, organisation: str) -> bool:
        """Tell a partner that did not recognise this node, unless that was tried a moment ago."""
        documents, peer = self._documents(), self._peers.get(organisation)
        attempt = self._attempt(peer, documents)
        if attempt.next_at > self._clock() or peer.card.url is None:
            return False
        attempt.next_at = self._clock() + FIRST_PAUSE_S
        return await self._tell(peer, documents)

    async def close(self) -> None:
        """End what is under way; it is told again after the next start."""
        tasks = [*self._running.values(), *self._soon]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _reachable(self) -> Iterable[Peer]:
        return (p for p in self._peers.all() if p.state == "active" and p.card.url is not None)

    def _untold(self, documents: Documents) -> list[Peer]:
        read = self._read
        return [p for p in self._reachable() if read.get(p.organisation) != documents.digest]

    def _attempt(self, peer: Peer, documents: Documents) -> _Attempts:
        held = self._attempts.get(peer.organisation)
        if held is None or held.content != documents.digest:
            held = self._attempts[peer.organisation] = _Attempts(documents.digest)
        return held

    async def _tell(self, peer: Peer, documents: Documents) -> bool:
        """Bring a partner these documents: also after older ones that are under way to it."""
        name = peer.organisation
        task = self._running.get(name)
        while task is not None and task.get_name() != documents.digest:
            await asyncio.wait([task])
            task = self._running.get(name)
        if task is None:
            task = asyncio.create_task(self._send(peer, documents), name=documents.digest)
            self._running[name] = task
            task.add_done_callback(lambda _: self._running.pop(name, None))
        return await asyncio.shield(task)

    async def _send(self, peer: Peer, documents: Documents) -> bool:
        chain = documents.chain()  # which may have grown since: the card is under this root
        roots = chain[: chain.index(documents.root) + 1]
        announced = Announcement.of(documents.organisation, roots, documents.card)
        attempt = self._attempt(peer, documents)
        try:
            async with self._free:
                answer = await self._client.exchange(
                    peer.url + ANNOUNCE_PATH,
                    peer.transport,
                    "POST",
                    [("Content-Type", ANNOUNCEMENT_TYPE)],
                    announced.encode(),
                    deadline_s=DEADLINE_S,
                    max_bytes=MAX_ANSWER_BYTES,
                )
            problem = None if answer.status == READ else f"status {answer.status}"
        except TransportError as error:
            problem = str(error)
        if problem is not None:
            pause = min(FIRST_PAUSE_S * 2**attempt.failures, LONGEST_PAUSE_S)
            attempt.failures += 1
            attempt.next_at = self._clock() + pause
            _log.info("partner not told", peer=peer.organisation, cause=problem, again_in_s=pause)
            return False
        self._read[peer.organisation] = documents.digest
        durable_file.replace(self._path, json.dumps(self._read, indent=1).encode())
        return True


def _kept(path: Path) -> dict[str, str]:
    """What the file says that partners have read; nothing where it is missing or damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
