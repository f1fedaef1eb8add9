"""Everything that one question has reserved, to be settled or given back together, exactly once.

The rule of this file: whoever reserved, holds; the log's outcome decides. After the leaf is
submitted the reservation belongs to the submission and is settled or released by its outcome, even
if the partner has hung up meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from node.audit.entry import ExposureEffect, QueryEffect, Receipt
from node.federation.budgets import Exposures, QueryBudgets
from node.federation.epochs import day_of, epoch_of
from node.federation.replay import InFlight
from node.policy.grants import Grant


@dataclass
class Reservation:
    """What a peer's question holds: its idempotency key, queries of a grant, scored answers."""

    peer: str
    at: int
    budgets: QueryBudgets
    exposures: Exposures
    in_flight: InFlight
    question: str | None = None
    collection: str | None = None
    queries: int = 0
    scored: Counter[int] = field(default_factory=Counter)
    _following: bool = False
    _abandoned: bool = False

    def reserve_queries(self, grant: Grant, n: int) -> bool:
        """Reserve `n` vectors of the grant's day, and say whether they were left."""
        left = self.budgets.reserve(
            self.peer, grant.collection, day_of(self.at), n, grant.queries_per_day
        )
        if left:
            self.collection, self.queries = grant.collection, n
        return left

    def reserve_scored(self, keys: Sequence[int], limit: int) -> bool:
        """Reserve one scored answer of each record, and say whether each had one left."""
        if self.collection is None:
            raise RuntimeError("scored answers are reserved after the query budget, never before")
        left = self.exposures.reserve(self.peer, self.collection, epoch_of(self.at), keys, limit)
        if left:
            self.scored.update(keys)
        return left

    def give_back_work(self) -> None:
        """Give back queries and scored answers; the idempotency key stays held."""
        if self.collection is not None:
            scope = (self.peer, self.collection)
            self.budgets.release(*scope, day_of(self.at), self.queries)
            self.exposures.release(*scope, epoch_of(self.at), self.scored)
        self.collection, self.queries, self.scored = None, 0, Counter()

    def settle(self) -> None:
        """Turn everything into debits; the log has committed them."""
        if self.collection is not None:
            scope = (self.peer, self.collection)
            self.budgets.settle(*scope, day_of(self.at), self.queries)
            self.exposures.settle(*scope, epoch_of(self.at), self.scored)
        self.collection, self.queries, self.scored = None, 0, Counter()
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

    def exposure_effects(self) -> tuple[ExposureEffect, ...]:
        """The scored answers that belong into the leaf's transaction, one entry each."""
        if self.collection is None:
            return ()
        epoch = epoch_of(self.at)
        return tuple(
            ExposureEffect(self.peer, self.collection, epoch, key) for key in self.scored.elements()
        )

    def _leave(self) -> None:
        if self.question is not None:
            self.in_flight.leave(self.peer, self.question)
            self.question = None
