"""The open node: every room opened once, at its first use, and closed in reverse. Wiring only.

Whoever opens it holds the data directory's lock. The command line opens it without listeners and
touches only the rooms that its verb needs; the running node (`node/serve.py`) calls `start`, which
opens all of them, so that what cannot be opened is known before anybody is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING

from node import expiries
from node.background import Periodic
from node.card_keeper import CardKeeper
from node.clock import Clock, system_clock
from node.clock_watch import ClockWatch, Steady, steady_clock
from node.own_past import own_past
from node.own_rooms import OwnRooms
from node.tokens import Tokens

if TYPE_CHECKING:
    from node.backup.standing import Standing
    from node.collections.watch import Watch
    from node.config import Settings
    from node.data_directory import DataDirectory
    from node.federation.acknowledger import Acknowledger
    from node.federation.announcements import Announcements
    from node.federation.announcer import Announcer
    from node.federation.asker import Asker
    from node.federation.client import Client
    from node.federation.exchange import Exchanger
    from node.federation.pairing import Pairing
    from node.federation.refresh import Refresher
    from node.federation.responder import Responder
    from node.federation.signed_requests import SignedRequests
    from node.passphrase import Passphrase
    from node.root_keeper import RootKeeper
    from node.witness.cosigner import Cosigner
    from node.witness.follower import Follower
    from node.witness.submitter import Submitter
    from node.witness.suspicions import Suspicions

CARD_CHECK_S = 60.0
CLOCK_LOOK_S = 60.0
REFUSALS_S = 20.0
OVERDUE_S = 600.0
COMPARE_S = 3_600.0


class Node(OwnRooms):
    """One organisation's node with its rooms: its own (`OwnRooms`) and those that meet partners.

    Attributes:
        clock_watch: whether the clock is to be believed.
        tokens: local callers.
        serving: whether listeners are up in this process.
    """

    def __init__(
        self,
        data: DataDirectory,
        settings: Settings,
        passphrase: Passphrase,
        clock: Clock,
        closing: AsyncExitStack,
        steady: Steady,
    ) -> None:
        super().__init__(data, settings, passphrase, clock, closing)
        self.clock_watch = ClockWatch(clock, steady, lambda: own_past(self))
        self.tokens = Tokens(data.tokens_file)
        self.serving = False
        self.periodic += [
            Periodic("clock", CLOCK_LOOK_S, self.clock_watch.look),
            Periodic("card", CARD_CHECK_S, self.renew),
            Periodic("compare", COMPARE_S, self._compare),
            Periodic("expiry", expiries.LOOK_EVERY_S, lambda: expiries.warn(self)),
        ]

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        data: DataDirectory,
        settings: Settings,
        *,
        passphrase: Passphrase,
        clock: Clock = system_clock,
        steady: Steady = steady_clock,
    ) -> AsyncIterator[Node]:
        """Open a node; the caller holds `data.lock()`. Closes its rooms on leaving."""
        async with AsyncExitStack() as closing:
            yield cls(data, settings, passphrase, clock, closing, steady)

    async def start(self) -> None:
        """Open every room, load every index, and note the start in the log."""
        from node.audit.entry import Entry
        from node.cut_off import log_what_was_cut_off
        from node.operations.watching import periodic_of
        from protocol.event_leaves import Started

        self.identity.unlock()
        restored = self.data.mark_file.exists()
        await self.settle()
        if not restored:  # else settling has just compared
            await self.standing.require_not_behind()
        started = Started(
            at=self.clock(),
            origin=self.log_origin,
            key=self.log.kid,
            size=self.log.size(),
            software=f"interlingua {version('interlingua')}",
        )
        await self.log.append(Entry(started))
        await asyncio.to_thread(self.contents.open)
        await asyncio.to_thread(self.suspicions.waiting)  # refuses the file of a later release
        await log_what_was_cut_off(self)
        await self.collections.load()
        self.periodic += periodic_of(self)
        await self.renew()
        # else the first questions would wait for it, and all others with them
        await asyncio.to_thread(self.log.recall_answered)
        await asyncio.to_thread(self.ledgers.recall, self.policy.current.grants, self.clock())
        _ = self.responder, self.asker, self.acknowledger, self.announcements, self.announcer
        _ = self.retention
        _ = self.submitter, self.follower

    async def settle(self) -> None:
        """Let a restored node compare itself with its partners before anything is logged."""
        if self.data.mark_file.exists():
            from node.backup.settle import settle

            await settle(self)

    async def _compare(self) -> None:
        """Look whether partners hold more of this node than it has: a copy of an older state."""
        await self.standing.check()

    @cached_property
    def standing(self) -> Standing:
        """Comparison with what partners hold of this node."""
        from node.backup.standing import Standing

        return Standing(self)

    @cached_property
    def watch(self) -> Watch:
        """The watch over the quality of serving versions."""
        from node.operations.watching import watch_of

        return watch_of(self)

    @cached_property
    def pairing(self) -> Pairing:
        """Invitations, and requests that answer them."""
        from node.federation.pairing_rooms import pairing_of

        return pairing_of(self)

    @cached_property
    def client(self) -> Client:
        """Connections to partners."""
        from node.federation.wiring import client_of

        client = client_of(self)
        self._closing.push_async_callback(client.close)
        return client

    @cached_property
    def requests(self) -> SignedRequests:
        """Requests to partners, signed in this organisation's name."""
        from node.federation.wiring import requests_of

        return requests_of(self)

    @cached_property
    def refresher(self) -> Refresher:
        """Partners' root documents and cards, kept current."""
        from node.federation.wiring import refresher_of

        refresher = refresher_of(self)
        self._closing.push_async_callback(refresher.close)
        every_s = self.settings.partners.refresh_s
        self.periodic.append(Periodic("partners", every_s, refresher.refresh_all))
        return refresher

    @cached_property
    def announcements(self) -> Announcements:
        """Partners' root documents and cards that are brought to this node."""
        from node.federation.wiring import announcements_of

        announcements = announcements_of(self)
        self._closing.push_async_callback(announcements.close)
        return announcements

    @cached_property
    def announcer(self) -> Announcer:
        """Own root documents and cards, brought to partners."""
        from node.federation.announcer import TELL_EVERY_S
        from node.federation.wiring import announcer_of

        announcer = announcer_of(self)
        self._closing.push_async_callback(announcer.close)
        self.periodic.append(Periodic("announce", TELL_EVERY_S, announcer.tell_due))
        return announcer

    @cached_property
    def responder(self) -> Responder:
        """What answers partners' questions."""
        from node.federation.wiring import responder_of

        responder = responder_of(self)
        self._closing.push_async_callback(responder.flush, everything=True)
        self.periodic.append(Periodic("refusals", REFUSALS_S, responder.flush))
        self.periodic.append(Periodic("overdue", OVERDUE_S, responder.note_overdue))
        return responder

    @cached_property
    def cosigner(self) -> Cosigner:
        """What cosigns partners' checkpoints."""
        from node.witness.wiring import cosigner_of

        return cosigner_of(self)

    @cached_property
    def suspicions(self) -> Suspicions:
        """What keeps evidence of partners' forks."""
        from node.witness.suspicions import LOOK_EVERY_S
        from node.witness.wiring import suspicions_of

        suspicions = suspicions_of(self)
        self.periodic.append(Periodic("forks", LOOK_EVERY_S, suspicions.look))
        return suspicions

    @cached_property
    def submitter(self) -> Submitter:
        """What has the own checkpoints cosigned."""
        from node.witness.submitter import SUBMIT_EVERY_S
        from node.witness.wiring import submitter_of

        submitter = submitter_of(self)
        self.periodic.append(Periodic("witness", SUBMIT_EVERY_S, submitter.submit_due))
        return submitter

    @cached_property
    def follower(self) -> Follower:
        """What follows up partners' receipts, so that they become witnessed."""
        from node.witness.follower import FOLLOW_EVERY_S
        from node.witness.wiring import follower_of

        follower = follower_of(self)
        self.periodic.append(Periodic("receipts", FOLLOW_EVERY_S, follower.follow_due))
        return follower

    @cached_property
    def asker(self) -> Asker:
        """What asks partners."""
        from node.federation.wiring import asker_of

        return asker_of(self)

    @cached_property
    def exchanger(self) -> Exchanger:
        """Signed exchanges with partners."""
        from node.federation.wiring import exchanger_of

        return exchanger_of(self)

    @cached_property
    def acknowledger(self) -> Acknowledger:
        """What acknowledges answers."""
        from node.federation.acknowledger import SEND_EVERY_S, Acknowledger

        acknowledger = Acknowledger(self.exchanger, self.owed, self.peers, self.log, self.clock)
        self.periodic.append(Periodic("acknowledge", SEND_EVERY_S, acknowledger.send_due))
        return acknowledger

    @cached_property
    def card(self) -> CardKeeper:
        """The card, always current."""
        from node.offered import offered_by

        file, origin = self.data.card_file, self.log_origin
        return CardKeeper(self.identity, origin, file, lambda: offered_by(self), self.clock)

    @cached_property
    def roots(self) -> RootKeeper:
        """Changes of the own root document and its keys."""
        from node.root_keeper import RootKeeper

        return RootKeeper(
            self.identity,
            self.settings.keys,
            lambda: self.log,
            self.data.log_file,
            self.clock,
            self.clock_watch,
            self._documents_changed,
        )

    async def renew(self) -> None:
        """Keep root document, keys and card valid; a new root document leaves `key` leaves.

        Nothing is dated before partners were asked for the time, as far as they can be.
        """
        asked = any(peer.is_asked for peer in self.peers.all())
        if asked and self.roots.is_due() and not self.clock_watch.has_heard():
            await self._compare()
        await self.roots.keep_current()
        self.card.current()

    def _documents_changed(self) -> None:
        """A new version of the root document is in force: the card follows, partners are told."""
        self.card.current()
        self.announcer.changed()
