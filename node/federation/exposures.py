"""What a peer has learnt of each record in an epoch, and what of a collection it may still be told.

The rule of this file: one count per peer, collection, epoch and record. Whatever an answer lets a
partner know of a record adds one: its place in a list, its bin, or whether it reaches a floor,
also where that shows only as an absence or within a number. As in budgets.py a count is reserved
before it is settled by the transaction of the leaf, all of it on the event loop.

Three limits read that count. Up to `scored` answers a record may appear with its bin. After
`answers` of them it is as though the record were not there: it is left out of the search itself,
so that neither a gap nor a shorter list tells of it. `records` bounds how many records may have a
count at all; when that is reached, only those are searched. Where the counts of an epoch were lost
with a log (docs/operations.md), everything counts as told, and nothing is searched.
"""

from collections.abc import Callable, Mapping, Sequence

from node.federation.probing import concerns
from node.federation.record_counts import RecordCounts, Told
from node.federation.record_limits import RecordLimits
from node.index.among import Among

Exposed = Callable[[str, str, int], Mapping[int, int]]
"""(peer, collection, epoch) -> answers that spoke of a record, for each that has any."""

ALL = 2**53
"""More records than any collection has."""

Lost = Callable[[str, str, int], bool]
"""(peer, collection, epoch) -> whether the counts were lost."""

Scope = tuple[str, str, int]
"""Peer, collection, epoch."""


class Exposures:
    """Answers per peer, collection, epoch and record."""

    def __init__(self, exposed: Exposed, lost: Lost = lambda *_: False) -> None:
        self._exposed, self._lost = exposed, lost
        self._scopes: dict[Scope, RecordCounts] = {}
        self._stale: set[Scope] = set()

    def among(self, scope: Scope, limits: RecordLimits) -> Among:
        """Return the records that a search for the peer may find."""
        return self._counts(scope).among(limits)

    def withheld(self, scope: Scope, limits: RecordLimits) -> bool:
        """Say whether any record is no longer told of, whatever is asked."""
        counts = self._counts(scope)
        return counts.lost or bool(counts.used_up(limits.answers)) or counts.is_full(limits)

    def records(self, scope: Scope) -> int:
        """Return how many different records the peer was told of; `ALL` where that was lost."""
        counts = self._counts(scope)
        return ALL if counts.lost else len(counts.total)

    def reserve(self, scope: Scope, keys: Sequence[int], limits: RecordLimits) -> list[int] | None:
        """Reserve an answer about each record of one list, best first; return those it may tell of.

        All of them, or the best where the number of different records allows no more; None where
        one of them may not be told of any more, which a search `among` those that may will find
        out. Nothing is reserved then.
        """
        counts = self._counts(scope)
        if counts.lost and keys:
            return None
        if not counts.used_up(limits.answers).isdisjoint(keys):
            return None
        allowed = list(keys)
        if limits.records is not None:
            left = limits.records - len(counts.total)
            new = [key for key in keys if key not in counts.total]
            if len(new) > left:
                if left <= 0:
                    return None
                beyond = set(new[left:])
                allowed = [key for key in keys if key not in beyond]
        counts.hold(allowed)
        return allowed

    def reserve_clear(
        self, scope: Scope, lists: Sequence[Sequence[int]], limits: RecordLimits
    ) -> tuple[Told, Sequence[int]]:
        """Reserve the lists whose records come to no limit, in whatever order all are answered.

        An answer about each of their records is reserved, and each is among its record's scored
        ones. Returns those answers, and the numbers of these lists.
        """
        counts = self._counts(scope)
        if counts.lost or limits.records is not None:  # the order decides
            return {}, ()
        return counts.hold_clear(lists, min(limits.answers, limits.scored))

    def may_score(self, scope: Scope, keys: Sequence[int], limits: RecordLimits) -> bool:
        """Say whether each of the reserved answers is still among its record's scored ones."""
        return self._counts(scope).used_up(limits.scored + 1).isdisjoint(keys)

    def release(self, scope: Scope, exposures: Mapping[int, int]) -> None:
        """Give reservations back."""
        counts = self._counts(scope)
        counts.take_back(exposures)
        self._let_go(scope, counts, exposures)

    def settle(self, scope: Scope, exposures: Mapping[int, int]) -> None:
        """Turn reservations into counts: the log has committed them."""
        self._let_go(scope, self._counts(scope), exposures)

    def reset(self, peer: str, collection: str | None) -> None:
        """Forget what was told before a reset that the log has just committed.

        As `QueryBudgets.reset`: what is still reserved counts on.
        """
        for scope in [s for s in self._scopes if concerns(s, peer, collection)]:
            counts = self._scopes[scope]
            self._scopes[scope] = RecordCounts(dict(counts.held), counts.held, self._lost(*scope))

    def reload(self) -> None:
        """Read the counts from the log again, each scope as soon as nothing is reserved in it."""
        self._stale.update(self._scopes)
        for scope in list(self._stale):
            self._let_go(scope, self._scopes[scope], {})

    def _counts(self, scope: Scope) -> RecordCounts:
        counts = self._scopes.get(scope)
        if counts is None:
            self._forget_before(scope)
            counts = self._scopes[scope] = RecordCounts(
                dict(self._exposed(*scope)), lost=self._lost(*scope)
            )
        return counts

    def _forget_before(self, scope: Scope) -> None:
        """Drop the counts of epochs that are over; the log keeps them."""
        peer, collection, epoch = scope
        for old in [s for s in self._scopes if s[:2] == (peer, collection) and s[2] < epoch]:
            if not self._scopes[old].held:
                del self._scopes[old]
                self._stale.discard(old)

    def _let_go(self, scope: Scope, counts: RecordCounts, exposures: Mapping[int, int]) -> None:
        counts.let_go(exposures)
        if not counts.held and scope in self._stale:
            self._stale.discard(scope)
            self._scopes.pop(scope, None)
