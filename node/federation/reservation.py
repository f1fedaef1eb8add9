"""Everything that one question has reserved, to be settled or given back together, exactly once.

The rule of this file: whoever reserved, holds; the log's outcome decides. After the leaf is
submitted the reservation belongs to the submission and is settled or released by its outcome, even
if the partner has hung up meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from node.audit.entry import ExposureEffect, ProbesEffect, QueryEffect, Receipt
from node.federation.budgets import QueryBudgets
from node.federation.epochs import day_of, epoch_of
from node.federation.exposures import Exposures, Scope
from node.federation.probing import Probe, Probes
from node.federation.record_limits import RecordLimits
from node.federation.replay import InFlight
from node.index.among import Among
from node.policy.grants import Grant


@dataclass
class Reservation:
    """What a peer's question holds: its idempotency key, queries, answers of records, probes."""

    peer: str
    at: int
    budgets: QueryBudgets
    exposures: Exposures
    probes: Probes
    in_flight: InFlight
    question: str | None = None
    collection: str | None = None
    queries: int = 0
    told: Counter[int] = field(default_factory=Counter)
    asked: tuple[Probe, ...] = ()
    _scopes: tuple[Scope, Scope] | None = None
    _following: bool = False
    _abandoned: bool = False

    def reserve_queries(self, grant: Grant, n: int) -> bool:
        """Reserve `n` vectors of the grant's day, and say whether they were left."""
        left = self.budgets.reserve(
            self.peer, grant.collection, day_of(self.at), n, grant.queries_per_day
        )
        if left:
            self.collection, self.queries = grant.collection, n
            self._scopes = (
                (self.peer, grant.collection, epoch_of(self.at)),
                (self.peer, grant.collection, day_of(self.at)),
            )
        return left

    def reserve_probes(self, probes: tuple[Probe, ...], limit: int) -> bool:
        """Remember these vectors, and say whether few enough of the day's lie near each."""
        left = self.probes.reserve(self._day_scope, probes, limit)
        if left:
            self.asked = probes
        return left

    def records(self, limits: RecordLimits) -> "ReservedRecords":
        """Return what reserves answers about records of the collection under these limits."""
        return ReservedRecords(self, limits)

    @property
    def scope(self) -> Scope:
        """Where answers about records are counted."""
        if self._scopes is None:
            raise RuntimeError("answers are reserved after the query budget, never before")
        return self._scopes[0]

    @property
    def _day_scope(self) -> Scope:
        if self._scopes is None:
            raise RuntimeError("questions are remembered after the query budget, never before")
        return self._scopes[1]

    def give_back_work(self) -> None:
        """Give back queries and answers of records; the idempotency key stays held."""
        if self.collection is not None:
            scope = (self.peer, self.collection)
            self.budgets.release(*scope, day_of(self.at), self.queries)
            self.exposures.release(self.scope, self.told)
            self.probes.release(self._day_scope, self.asked)
        self._hold_nothing()

    def settle(self) -> None:
        """Turn everything into debits; the log has committed them."""
        if self.collection is not None:
            scope = (self.peer, self.collection)
            self.budgets.settle(*scope, day_of(self.at), self.queries)
            self.exposures.settle(self.scope, self.told)
            self.probes.settle(self._day_scope, self.asked)
        self._hold_nothing()
        self._leave()

    def follow(self, submitted: asyncio.Future[Receipt]) -> None:
        """Let the outcome of a submitted leaf settle this, or give the work back."""
        self._following = True

        def outcome(finished: asyncio.Future[Receipt]) -> None:
            self._following = False
            if finished.cancelled() or finished.exception() is not None:
                self.give_back_work()
                if self._abandoned:
                    self._leave()
            else:
                self.settle()

        submitted.add_done_callback(outcome)

    def abandon(self) -> None:
        """Nobody waits any more: give everything back, or leave it to the leaf under way."""
        self._abandoned = True
        if not self._following:
            self.give_back_work()
            self._leave()

    def query_effect(self) -> QueryEffect | None:
        """The debit that belongs into the leaf's transaction."""
        if self.collection is None or not self.queries:
            return None
        return QueryEffect(self.peer, self.collection, day_of(self.at), self.queries)

    def exposure_effect(self) -> ExposureEffect | None:
        """The answers about records that belong into the leaf's transaction."""
        if not self.told:
            return None
        return ExposureEffect(*self.scope, self.told)

    def probes_effect(self) -> ProbesEffect | None:
        """The vectors to remember that belong into the leaf's transaction."""
        if self.collection is None or not self.asked:
            return None
        return ProbesEffect(*self._day_scope, self.asked)

    def _hold_nothing(self) -> None:
        self.collection, self.queries, self.told, self.asked = None, 0, Counter(), ()
        self._scopes = None

    def _leave(self) -> None:
        if self.question is not None:
            self.in_flight.leave(self.peer, self.question)
            self.question = None


@dataclass(frozen=True)
class ReservedRecords:
    """The answers that are left of each record, as `disclose` reserves them for one question."""

    reservation: Reservation
    limits: RecordLimits

    @property
    def among(self) -> Among:
        """The records that may be searched."""
        return self.reservation.exposures.among(self.reservation.scope, self.limits)

    @property
    def withheld(self) -> bool:
        """Whether some records are no longer told of, whatever is asked."""
        return self.reservation.exposures.withheld(self.reservation.scope, self.limits)

    def reserve(self, keys: Sequence[int]) -> Sequence[int] | None:
        """See `disclose.Records`."""
        scope = self.reservation.scope
        told = self.reservation.exposures.reserve(scope, keys, self.limits)
        if told is not None:
            self.reservation.told.update(told)
        return told

    def reserve_clear(self, lists: Sequence[Sequence[int]]) -> Sequence[int]:
        """See `disclose.RecordsOfLists`."""
        reservation = self.reservation
        told, clear = reservation.exposures.reserve_clear(reservation.scope, lists, self.limits)
        reservation.told.update(told)
        return clear

    def may_score(self, keys: Sequence[int]) -> bool:
        """See `disclose.Records`."""
        return self.reservation.exposures.may_score(self.reservation.scope, keys, self.limits)
