"""What each peer has used of its grants: queries a day, answers about records, and probes.

The rule of this file: the three counts have one life. They are read from the log, reserved from by
each question, settled with its leaf, read again after a failed commit, and reset together.
"""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from node.audit.entry import RESET, Effects, Entry, Receipt, ResetEffect
from node.federation.budgets import QueryBudgets
from node.federation.epochs import day_of, epoch_of
from node.federation.exposures import Exposures
from node.federation.probing import Probes
from node.federation.record_limits import records_limit
from node.federation.replay import InFlight
from node.federation.reservation import Reservation
from node.federation.sketches import MAX_REMEMBERED
from node.policy.grants import Grant
from protocol.leaf import AdminActed

if TYPE_CHECKING:
    from node.audit.log import AuditLog
    from node.collections.collection import Collection


class Ledgers:
    """The counts of all peers; one per node, on its event loop."""

    def __init__(self, log: "AuditLog") -> None:
        self._log = log
        self._budgets = QueryBudgets(log.spent)
        self._exposures = Exposures(log.exposed, log.lost_exposures)
        self._probes = Probes(partial(log.probes, most=MAX_REMEMBERED))
        self._in_flight = InFlight()
        for ledger in (self._budgets, self._exposures, self._probes):
            log.on_reload(ledger.reload)

    @property
    def in_flight(self) -> InFlight:
        """The questions under way."""
        return self._in_flight

    def reservation(self, peer: str, at: int) -> Reservation:
        """Return what a question of `peer` that came at `at` will hold; nothing yet."""
        return Reservation(peer, at, self._budgets, self._exposures, self._probes, self._in_flight)

    def recall(self, grants: Iterable[Grant], at: int) -> None:
        """Read what these grants' peers have used of the day and the epoch of `at` from the log.

        What is not recalled is read when a question needs it. May run in a thread while nobody asks
        yet, and spares the first question of each peer a read on the event loop.
        """
        for peer, collection in sorted({(grant.peer, grant.collection) for grant in grants}):
            self._budgets.recall(peer, collection, day_of(at))
            self._exposures.records((peer, collection, epoch_of(at)))
            self._probes.recall((peer, collection, day_of(at)))

    def queries_left(self, grant: Grant, at: int) -> int:
        """Return how many vectors the peer may still ask of the grant's collection today."""
        return self._budgets.left(grant.peer, grant.collection, day_of(at), grant.queries_per_day)

    def records_told(self, grant: Grant, at: int) -> int:
        """Return of how many different records the peer was told in this epoch."""
        return self._exposures.records((grant.peer, grant.collection, epoch_of(at)))

    def exposure_quarters(self, grant: Grant, collection: "Collection", at: int) -> int | None:
        """Return how many quarters of the grant's exposure budget are used up, None without one."""
        limit = records_limit(grant, lambda: collection.count_visible(grant.visible))
        if limit is None:
            return None
        return min(4, 4 * self.records_told(grant, at) // limit) if limit else 4

    async def reset(self, peer: str, collection: str | None, by: str | None, at: int) -> Receipt:
        """Forget what a peer has used (None: of every collection), by a leaf of its own.

        Raises LogUnavailable, with nothing forgotten.
        """
        leaf = AdminActed(at=at, by=by, operation=RESET, peer=peer, subject=collection)
        entry = Entry(leaf, Effects(reset=ResetEffect(peer, collection)))

        def forget(finished: asyncio.Future[Receipt]) -> None:
            if not finished.cancelled() and finished.exception() is None:
                for ledger in (self._budgets, self._exposures, self._probes):
                    ledger.reset(peer, collection)

        # outcomes come in the order of the log: what was committed before this has been settled
        # when `forget` runs, and what comes after it has not
        submitted = self._log.submit(entry)
        submitted.add_done_callback(forget)
        return await asyncio.shield(submitted)
