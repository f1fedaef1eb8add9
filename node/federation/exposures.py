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
from dataclasses import dataclass, field

import numpy as np

from node.federation.probing import concerns
from node.index.among import EVERYTHING, Among
from node.policy.grants import Grant

Exposed = Callable[[str, str, int], Mapping[int, int]]
"""(peer, collection, epoch) -> answers that spoke of a record, for each that has any."""

ALL = 2**53
"""More records than any collection has."""

Lost = Callable[[str, str, int], bool]
"""(peer, collection, epoch) -> whether the counts were lost."""

Scope = tuple[str, str, int]
"""Peer, collection, epoch."""


@dataclass(frozen=True)
class RecordLimits:
    """How often a record may be answered about, and how many records may be (None: any number)."""

    scored: int
    answers: int
    records: int | None = None


def scored_limit(dimension: int, granted: int | None) -> int:
    """Return how many answers may show a record's bin to a peer in an epoch: at most D/8.

    From about D exact scores a stored vector can be solved for; an eighth of that, in bins, leaves
    it little better known than the question alone makes it (see docs/policy.md).
    """
    return _at_most(dimension // 8, granted)


def answers_limit(dimension: int, floor: bool, granted: int | None) -> int:
    """Return how many answers may speak of a record to a peer in an epoch, in whatever way.

    D/8 unless the grant says otherwise. Without a floor it may say more, up to D; with one each
    answer compares the record with a known number, however it is shown. What a partner gets out of
    either: docs/adr/0028.
    """
    eighth = max(1, dimension // 8)
    return eighth if granted is None else min(granted, eighth if floor else dimension)


def limits_of(grant: Grant, dimension: int, visible: Callable[[], int]) -> RecordLimits:
    """Return a grant's limits for records of `dimension`; `visible` counts its documents."""
    return RecordLimits(
        scored_limit(dimension, grant.scored_answers),
        answers_limit(dimension, grant.has_floor, grant.answers_per_record),
        records_limit(grant, visible),
    )


def records_limit(grant: Grant, visible: Callable[[], int]) -> int | None:
    """Return how many different records the peer may be told of in an epoch, None: no limit."""
    limits = [] if grant.records_per_epoch is None else [grant.records_per_epoch]
    if grant.share_per_epoch is not None:
        limits.append(visible() * grant.share_per_epoch // 1000)
    return min(limits, default=None)


def _at_most(most: int, granted: int | None) -> int:
    return most if granted is None else min(granted, most)


@dataclass
class _Counts:
    """The counts of one scope: `total` of the log and of what is reserved, `held` of the latter."""

    total: dict[int, int]
    held: dict[int, int] = field(default_factory=dict)
    lost: bool = False
    worn: dict[int, set[int]] = field(default_factory=dict)
    _among: dict[RecordLimits, Among] = field(default_factory=dict)

    def used_up(self, limit: int) -> set[int]:
        """The records that have reached `limit`; kept up to date once it was asked for."""
        if limit not in self.worn:
            self.worn[limit] = {key for key, n in self.total.items() if n >= limit}
        return self.worn[limit]

    def is_full(self, limits: RecordLimits) -> bool:
        return limits.records is not None and len(self.total) >= limits.records

    def among(self, limits: RecordLimits) -> Among:
        """The records that may be searched; the same object until one more or less is."""
        if limits not in self._among:
            worn = self.used_up(limits.answers)
            if self.lost:
                found = Among(only=_sorted([]))
            elif self.is_full(limits):
                found = Among(only=_sorted([key for key in self.total if key not in worn]))
            else:
                found = Among(without=_sorted(list(worn))) if worn else EVERYTHING
            self._among[limits] = found
        return self._among[limits]

    def hold(self, keys: Sequence[int]) -> None:
        """Count and reserve one answer about each of these."""
        total, held, known = self.total, self.held, len(self.total)
        for key in keys:
            total[key] = n = total.get(key, 0) + 1
            held[key] = held.get(key, 0) + 1
            worn = self.worn.get(n)
            if worn is not None:
                worn.add(key)
                self._moved(n)
        if len(total) != known:
            self._moved(None)

    def take_back(self, counts: Mapping[int, int]) -> None:
        """Count so many answers less; they stay reserved until they are let go."""
        total, known = self.total, len(self.total)
        for key, n in counts.items():
            before = total.get(key, 0)
            after = before - n
            if after:
                total[key] = after
            else:
                del total[key]
            for limit, worn in self.worn.items():
                if before >= limit > after:
                    worn.discard(key)
                    self._moved(limit)
        if len(total) != known:
            self._moved(None)

    def let_go(self, counts: Mapping[int, int]) -> None:
        """Reserve so many answers no longer."""
        held = self.held
        for key, n in counts.items():
            left = held[key] - n
            if left:
                held[key] = left
            else:
                del held[key]

    def _moved(self, limit: int | None) -> None:
        """Forget what may be searched where it depends on what has reached `limit`.

        None: where it depends on which records have a count at all.
        """
        for limits in list(self._among):
            if limits.records is not None or limits.answers == limit:
                del self._among[limits]


class Exposures:
    """Answers per peer, collection, epoch and record."""

    def __init__(self, exposed: Exposed, lost: Lost = lambda *_: False) -> None:
        self._exposed, self._lost = exposed, lost
        self._scopes: dict[Scope, _Counts] = {}
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
            self._scopes[scope] = _Counts(dict(counts.held), counts.held, self._lost(*scope))

    def reload(self) -> None:
        """Read the counts from the log again, each scope as soon as nothing is reserved in it."""
        self._stale.update(self._scopes)
        for scope in list(self._stale):
            self._let_go(scope, self._scopes[scope], {})

    def _counts(self, scope: Scope) -> _Counts:
        counts = self._scopes.get(scope)
        if counts is None:
            self._forget_before(scope)
            counts = self._scopes[scope] = _Counts(
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

    def _let_go(self, scope: Scope, counts: _Counts, exposures: Mapping[int, int]) -> None:
        counts.let_go(exposures)
        if not counts.held and scope in self._stale:
            self._stale.discard(scope)
            self._scopes.pop(scope, None)


def _sorted(keys: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(sorted(keys), dtype=np.int64)
