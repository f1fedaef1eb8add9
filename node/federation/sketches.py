"""The sketches of one peer's questions of a day, and how many lie near one another.

The rule of this file: what is remembered is bounded, and what is alone is forgotten first. Whoever
wants a crowd forgotten, by asking many other questions, only has those forgotten: to lose one
sketch of its own it must ask `MAX_REMEMBERED` others before it comes near it again.
"""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

BITS = 256
NEAR_BITS = 20
"""Sketches that differ in so many bits or fewer count as near: an angle of about 0.25 rad."""

MAX_REMEMBERED = 32_768
"""Questions of one peer, collection and day with which a new one is compared."""

_WORDS = BITS // 64
_TOGETHER = 16
"""Rows that are compared in one go; more would need much memory where all lie close."""
_NEVER = np.iinfo(np.int64).max
_CROWD = 1 << 40
"""Weight of one near question against age, which counts questions: no day has so many."""


class Sketches:
    """Sketches (32 bytes) by mark. A mark tells questions apart, equal ones have the same."""

    def __init__(
        self, known: Iterable[tuple[bytes, bytes]] = (), most: int = MAX_REMEMBERED
    ) -> None:
        self._most = most
        first: dict[bytes, bytes] = {}
        for mark, sketch in known:
            first.setdefault(mark, sketch)
        self._marks = list(first)
        self._at = {mark: at for at, mark in enumerate(self._marks)}
        count = self._arrived = len(self._marks)
        room = max(64, count)
        # word by word, so that one word of all of them is compared in one pass over memory
        self._words = np.empty((_WORDS, room), dtype=np.uint64)
        self._words[:, :count] = _rows(first.values()).T
        # near ones times _CROWD plus the number of its arrival: the least is forgotten first
        self._worth = np.arange(room, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._marks)

    def __contains__(self, mark: object) -> bool:
        return mark in self._at

    def add(self, asked: Sequence[tuple[bytes, bytes]], limit: int | None = None) -> bool:
        """Remember sketches by their marks, in this order; one that is known stays as it is.

        False, and nothing is remembered, where `limit` others lie near one of them by then.
        """
        new: dict[bytes, bytes] = {}
        for mark, sketch in asked:
            if mark not in self._at:
                new.setdefault(mark, sketch)
        if not new:
            return True
        rows = _rows(new.values())
        if len(rows) == 1:
            return self._add_one(list(new), rows, limit)
        nearby, crowds = self._nearby(rows)
        together = _together(rows)
        crowds += np.tril(together).sum(axis=1)
        if limit is not None and crowds.max() >= limit:
            return False
        np.add.at(self._worth, nearby, _CROWD)
        self._append(list(new), rows, crowds + np.triu(together).sum(axis=1))
        return True

    def _add_one(self, mark: list[bytes], row: NDArray[np.uint64], limit: int | None) -> bool:
        """The same for one: arrays of one cost as much as large ones, and most questions are."""
        nearby = self._nearby_one(row[0])
        if limit is not None and nearby.size >= limit:
            return False
        self._worth[nearby] += _CROWD
        self._append(mark, row, nearby.size)
        return True

    def discard(self, mark: bytes) -> None:
        """Forget a sketch, if it is known."""
        at = self._at.pop(mark, None)
        if at is None:
            return
        row, crowd = self._words[:, at].copy(), self._worth[at] >= _CROWD
        last = len(self._marks) - 1
        if at != last:
            self._words[:, at], self._worth[at] = self._words[:, last], self._worth[last]
            self._marks[at] = self._marks[last]
            self._at[self._marks[at]] = at
        self._marks.pop()
        if crowd:  # else none counts it
            nearby = self._nearby_one(row)
            self._worth[nearby[self._worth[nearby] >= _CROWD]] -= _CROWD

    def trim(self, kept: Collection[bytes]) -> list[bytes]:
        """Forget what is too much, but none of `kept`; return the marks of what was forgotten."""
        forgotten: list[bytes] = []
        while len(self) > self._most:
            least = self._least(len(self) - self._most, kept)
            if not least:
                break
            for mark in least:
                self.discard(mark)
            forgotten += least
        return forgotten

    def _least(self, most: int, kept: Collection[bytes]) -> list[bytes]:
        """At most so many that may be forgotten, least first: all that are alone, or else one.

        Without one that is not alone others are worth less; without one that is, none is.
        """
        worth = self._worth[: len(self)].copy()
        worth[[self._at[mark] for mark in kept if mark in self._at]] = _NEVER
        least = worth.argpartition(most - 1)[:most]
        least = least[worth[least].argsort()]
        alone = least[worth[least] < _CROWD]
        if not alone.size:
            alone = least[:1][worth[least[:1]] < _NEVER]
        return [self._marks[at] for at in alone.tolist()]

    def _append(
        self, marks: list[bytes], rows: NDArray[np.uint64], crowds: NDArray[np.int64] | int
    ) -> None:
        at = len(self._marks)
        end = at + len(marks)
        while end > len(self._worth):
            self._words = np.concatenate([self._words, np.empty_like(self._words)], axis=1)
            self._worth = np.concatenate([self._worth, np.empty_like(self._worth)])
        self._words[:, at:end] = rows.T
        self._worth[at:end] = crowds * _CROWD + np.arange(self._arrived, self._arrived + len(marks))
        self._arrived += len(marks)
        self._at.update(zip(marks, range(at, end), strict=True))
        self._marks += marks

    def _nearby(self, rows: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The places of the sketches near `rows` (n, words), row by row, and how many each has."""
        parts = [rows[at : at + _TOGETHER] for at in range(0, len(rows), _TOGETHER)]
        found = [self._nearby_few(part) for part in parts]
        return (
            np.concatenate([places for places, _ in found]),
            np.concatenate([crowds for _, crowds in found]),
        )

    def _nearby_one(self, row: NDArray[np.uint64]) -> NDArray[np.intp]:
        """The places of the sketches near one row (words,), ascending.

        Word by word: what differs in too many bits of the words so far is not near, whatever the
        others say, and nearly all drop out by the first.
        """
        words = self._words[:, : len(self)]
        apart = np.bitwise_count(words[0] ^ row[0])
        near: NDArray[np.intp] = (apart <= NEAR_BITS).nonzero()[0]
        apart = apart[near]
        for word in range(1, _WORDS):
            if not near.size:
                break
            apart += np.bitwise_count(words[word][near] ^ row[word])  # at most 20 + 64: a uint8
            still = apart <= NEAR_BITS
            near, apart = near[still], apart[still]
        return near

    def _nearby_few(self, rows: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The same of few rows: what the first word leaves of them is compared together."""
        words = self._words[:, : len(self)]
        close = [(np.bitwise_count(words[0] ^ row) <= NEAR_BITS).nonzero()[0] for row in rows[:, 0]]
        near = np.concatenate(close)
        owners = np.repeat(np.arange(len(rows)), [each.size for each in close])
        apart = np.bitwise_count(words[0][near] ^ rows[owners, 0])
        for word in range(1, _WORDS):
            apart += np.bitwise_count(words[word][near] ^ rows[owners, word])
            still = apart <= NEAR_BITS
            owners, near, apart = owners[still], near[still], apart[still]
        return near, np.bincount(owners, minlength=len(rows))


def _rows(sketches: Iterable[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(sketches), dtype=np.uint64).reshape(-1, _WORDS)


def _together(rows: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which rows (n, words) lie near which others (n, n); none is near itself."""
    apart = np.zeros((len(rows), len(rows)), dtype=np.uint16)
    for word in rows.T:
        apart += np.bitwise_count(word[:, None] ^ word)
    near: NDArray[np.bool_] = apart <= NEAR_BITS
    np.fill_diagonal(near, val=False)
    return near
