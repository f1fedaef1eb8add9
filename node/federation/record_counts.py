"""How often one peer was told of each record of one collection in one epoch.

The rule of this file: what is reserved counts as told, and what may be searched stays one object
until it changes, so that searches can be told to be alike by it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import add

import numpy as np

from node.federation.record_limits import RecordLimits
from node.index.among import EVERYTHING, Among

Told = Mapping[int, int]
"""Answers by the record that they are about."""


@dataclass
class RecordCounts:
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
        """Whether no record may be told of that was not told of before."""
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
        """Count and reserve one answer about each record of a list."""
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

    def hold_clear(self, lists: Sequence[Sequence[int]], most: int) -> tuple[Told, Sequence[int]]:
        """Do so once for each record of the lists none of which would come to more than `most`.

        That is if all lists were counted, so their order does not matter. Returns what was counted,
        and the numbers of those lists.
        """
        clear: Sequence[int] = range(len(lists))
        told = Counter(chain.from_iterable(lists))
        after = self._after(told)
        beyond = {key for key, n in after.items() if n > most}
        if beyond:
            clear = [at for at in clear if beyond.isdisjoint(lists[at])]
            told = Counter(chain.from_iterable(lists[at] for at in clear))
            after = self._after(told)
        self._count(after)
        self._reserve(told)
        return told, clear

    def _after(self, counts: Mapping[int, int]) -> dict[int, int]:
        return _sums(self.total, counts)

    def _count(self, after: Mapping[int, int]) -> None:
        """Let these have as many answers as are given, which is more than they had."""
        known = len(self.total)
        self.total.update(after)
        if self.worn and after and max(after.values()) >= min(self.worn):
            for limit, worn in self.worn.items():
                reached = [key for key, n in after.items() if n >= limit and key not in worn]
                if reached:
                    worn.update(reached)
                    self._moved(limit)
        if len(self.total) != known:
            self._moved(None)

    def _reserve(self, counts: Mapping[int, int]) -> None:
        self.held.update(_sums(self.held, counts))

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


def _sums(known: Mapping[int, int], counts: Mapping[int, int]) -> dict[int, int]:
    """What each of these comes to. Without a step in Python for each: batches have hundreds."""
    before = map(known.get, counts, repeat(0))
    return dict(zip(counts, map(add, before, counts.values()), strict=True))


def _sorted(keys: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(sorted(keys), dtype=np.int64)
