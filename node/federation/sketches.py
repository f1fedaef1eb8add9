"""The sketches of one peer's questions of a day, and how many lie near one another.

The rule of this file: what is remembered is bounded, and what is alone is forgotten first. Whoever
wants a crowd forgotten, by asking many other questions, only has those forgotten: to lose one
sketch of its own it must ask `MAX_REMEMBERED` others before it comes near it again.
"""

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

BITS = 256
NEAR_BITS = 20
"""Sketches that differ in so many bits or fewer count as near: an angle of about 0.25 rad."""

MAX_REMEMBERED = 32_768
"""Questions of one peer, collection and day with which a new one is compared."""

_WORDS = BITS // 64
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
        sketches = np.frombuffer(b"".join(first.values()), dtype=np.uint64)
        self._words[:, :count] = sketches.reshape(count, _WORDS).T
        # near ones times _CROWD plus the number of its arrival: the least is forgotten first
        self._worth = np.arange(room, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._marks)

    def __contains__(self, mark: object) -> bool:
        return mark in self._at

    def add(self, mark: bytes, sketch: bytes, limit: int | None = None) -> bool:
        """Remember a sketch; one that is known stays as it is.

        False, and nothing is remembered, where `limit` others lie near it already.
        """
        if mark in self._at:
            return True
        row = _row(sketch)
        nearby = self._nearby(row)
        crowd = len(nearby)
        if limit is not None and crowd >= limit:
            return False
        self._worth[nearby] += _CROWD
        self._append(mark, row, crowd)
        return True

    def discard(self, mark: bytes) -> None:
        """Forget a sketch, if it is known."""
        at = self._at.pop(mark, None)
        if at is None:
            return
        row = self._words[:, at].copy()
        last = len(self._marks) - 1
        if at != last:
            self._words[:, at], self._worth[at] = self._words[:, last], self._worth[last]
            self._marks[at] = self._marks[last]
            self._at[self._marks[at]] = at
        self._marks.pop()
        nearby = self._nearby(row)
        self._worth[nearby[self._worth[nearby] >= _CROWD]] -= _CROWD

    def trim(self, kept: Collection[bytes]) -> list[bytes]:
        """Forget what is too much, but none of `kept`; return the marks of what was forgotten."""
        forgotten = []
        while len(self) > self._most:
            worth = self._worth[: len(self)].copy()
            worth[[self._at[mark] for mark in kept if mark in self._at]] = _NEVER
            at = int(worth.argmin())
            if worth[at] == _NEVER:
                break
            forgotten.append(self._marks[at])
            self.discard(self._marks[at])
        return forgotten

    def _append(self, mark: bytes, row: NDArray[np.uint64], crowd: int) -> None:
        at = len(self._marks)
        if at == len(self._worth):
            self._words = np.concatenate([self._words, np.empty_like(self._words)], axis=1)
            self._worth = np.concatenate([self._worth, np.empty_like(self._worth)])
        self._words[:, at] = row
        self._worth[at] = crowd * _CROWD + self._arrived
        self._arrived += 1
        self._at[mark] = at
        self._marks.append(mark)

    def _nearby(self, row: NDArray[np.uint64]) -> NDArray[np.intp]:
        """The places of the sketches near `row`, ascending.

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


def _row(sketch: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(sketch, dtype=np.uint64)
