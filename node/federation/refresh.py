"""Keeping partners' root documents and cards current.

Fetched on a timer, before a question when the card is about to expire, and when a partner's request
names a key that is not known yet. Every version between the one that is held and the newest is
fetched, so that each is judged by the one before it. What cannot be fetched or accepted changes
nothing: the old documents serve until they expire. A slow partner has one deadline for all of it
and holds no other up. Nothing that is fetched is trusted for having been fetched; `PeerBook.renew`
judges it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from node.audit.errors import LogUnavailable
from node.clock import Clock
from node.federation.client import Client, TransportError
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.transport import Transport
from node.federation.version_limit import VersionLimit
from protocol.card import CardRefused
from protocol.document import DocumentRefused
from protocol.limits import MAX_DOCUMENT_BYTES
from protocol.root import RootRefused, read_root

ROOT_PATH = "/.well-known/interlingua-root"
CARD_PATH = "/.well-known/interlingua-node"

FETCH_DEADLINE_S = 5.0
RENEW_BEFORE_S = 2 * 3600
"""A card that expires within this time is fetched anew before it is used (seconds)."""

PAUSE_S = 15
"""Least time between two fetches of one partner that were not on the timer (seconds)."""

REFRESH_DEADLINE_S = 30.0
"""Time for everything that is fetched of one partner at once (seconds)."""

AT_ONCE = 8
"""Partners whose documents the timer fetches at the same time."""

MAX_STEPS = 32
"""Root versions that are fetched at once; a partner further ahead must be added anew."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a refresh of one partner brought; `problem` is None when both documents are current."""

    organisation: str
    problem: str | None


class Refresher:
    """Fetches documents of partners, at most one fetch of a partner at a time."""

    def __init__(
        self,
        client: Client,
        peers: PeerBook,
        clock: Clock,
        note: Callable[[Peer], Awaitable[None]],
    ) -> None:
        """`note` appends a `peer` leaf: a new root document names the keys that may speak."""
        self._note = note
        self._client = client
        self._peers = peers
        self._clock = clock
        self._free = asyncio.Semaphore(AT_ONCE)
        self._limit = VersionLimit(clock)
        self._tried: dict[str, int] = {}
        self._running: dict[str, asyncio.Task[Outcome]] = {}

    async def close(self) -> None:
        """End every fetch under way."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def refresh_all(self) -> None:
        """Fetch the documents of every active partner, a few at once; for the timer."""
        due = [p for p in self._peers.all() if p.state == "active" and p.root.url is not None]
        await asyncio.gather(*(self._in_turn(peer.organisation) for peer in due))

    async def _in_turn(self, organisation: str) -> None:
        async with self._free:
            peer = self._peers.find(organisation)
            if peer is not None and peer.state == "active":
                await self.refresh(organisation)

    def suggest(self, organisation: str) -> None:
        """Fetch in the background, unless that was tried a moment ago or the partner is not active.

        For a request that names a key which is not known yet: anybody can send one, so it costs the
        partner at most one fetch in `PAUSE_S`.
        """
        tried = self._tried.get(organisation, 0)
        if self._peers.is_active(organisation) and self._clock() >= tried + PAUSE_S:
            self._begin(organisation)

    async def current(self, organisation: str) -> Peer:
        """Return the partner with a valid card, fetching one first if need be.

        Raises CardUnavailable when the card that is held has expired and no new one came.
        """
        peer = self._peers.active(organisation)
        at = self._clock()
        if peer.card.expires <= at + RENEW_BEFORE_S or not peer.card.is_under(peer.root):
            due = self._clock() >= self._tried.get(organisation, 0) + PAUSE_S
            if due or organisation in self._running:
                await asyncio.shield(self._begin(organisation))
            self._peers.card(organisation, at)
        return self._peers.active(organisation)

    async def refresh(self, organisation: str) -> Outcome:
        """Fetch root document and card now; never raises for what the partner or network did."""
        return await asyncio.shield(self._begin(organisation))

    def _begin(self, organisation: str) -> asyncio.Task[Outcome]:
        task = self._running.get(organisation)
        if task is None:
            self._tried[organisation] = self._clock()
            task = asyncio.create_task(self._refresh(organisation))
            self._running[organisation] = task
            task.add_done_callback(lambda _: self._running.pop(organisation, None))
        return task

    async def _refresh(self, organisation: str) -> Outcome:
        problem: str | None = None
        held = self._peers.get(organisation).root.version
        try:
            async with asyncio.timeout(REFRESH_DEADLINE_S):
                await self._fetch_both(organisation)
        except TimeoutError:
            problem = f"its documents did not come within {REFRESH_DEADLINE_S:.0f} s"
            _log.warning("partner not refreshed", peer=organisation, problem=problem)
        except (TransportError, DocumentRefused, UnicodeDecodeError) as error:
            problem = str(error)
            _log.warning("partner not refreshed", peer=organisation, problem=problem)
        peer = self._peers.get(organisation)
        if peer.root.version != held:
            await note_new_root(self._note, peer)
        return Outcome(organisation, problem)

    async def _fetch_both(self, organisation: str) -> None:
        """Root documents, then the card; once more where the partner changed both in between."""
        for again in (True, False):
            await self._fetch_roots(self._peers.get(organisation))
            card = await self._get(self._peers.get(organisation), CARD_PATH)
            try:
                self._peers.renew(organisation, (), card, self._clock())
                return
            except CardRefused as refused:
                if refused.reason != "root" or not again:
                    raise

    async def _fetch_roots(self, peer: Peer) -> None:
        newest = await self._get(peer, ROOT_PATH)
        version = read_root(newest)[0].version
        held = peer.root.version
        if version > held + MAX_STEPS:
            raise RootRefused("gap", f"version {version} is too far from {held}, held here")
        left = self._limit.left(peer.organisation)
        if version > held + left:
            raise RootRefused("gap", f"version {version}: {left} more are taken over this hour")
        between = range(held + 1, version)
        roots = [await self._get(peer, f"{ROOT_PATH}/{number}") for number in between]
        self._peers.renew(peer.organisation, [*roots, newest], None, self._clock())
        self._limit.count(peer.organisation, version - held)

    async def _get(self, peer: Peer, path: str) -> bytes:
        return await fetch_document(self._client, peer.documents_url + path, peer.transport)


async def note_new_root(note: Callable[[Peer], Awaitable[None]], peer: Peer) -> None:
    """Log a partner's new root document; it holds all the same: it may revoke a key."""
    try:
        await note(peer)
    except LogUnavailable as error:
        _log.error("new root document not logged", peer=peer.organisation, cause=str(error))


async def fetch_document(client: Client, url: str, transport: Transport) -> bytes:
    """Fetch one signed document; raises TransportError, also for a status other than 200."""
    answer = await client.exchange(
        url,
        transport,
        "GET",
        [("Accept", "application/json")],
        None,
        deadline_s=FETCH_DEADLINE_S,
        max_bytes=MAX_DOCUMENT_BYTES,
    )
    if answer.status != 200:
        raise TransportError(f"{url} answered with status {answer.status}")
    return answer.body
