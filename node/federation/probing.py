"""Questions that lie close together: how many of them a peer may ask of a collection in a day.

The rule of this file: whoever feels its way around one point asks many questions that hardly
differ, and that is noticed however the answers are shown. A question is remembered as a sketch: the
signs of 256 random projections of its vector in the collection's own space, whatever space it came
in. Sketches of two vectors at an angle a differ in 256 a / pi bits on average (Charikar, STOC
2002), so those that differ in `NEAR_BITS` or fewer lie within about 0.25 rad, a cosine of 0.97. The
projections come from the node's secret: nobody else can tell how a question is sketched.

The very same vector again under the same filter is no second question: its answer is known. Under
another filter it is one, as near as can be. What is remembered of a day is bounded (sketches.py).
Debits go the way of all others: reserved, then settled with the leaf or given back.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from node.federation.sketches import BITS, Sketches

MARK_BYTES = 16

Scope = tuple[str, str, int]
"""Peer, collection, day."""

Remembered = Callable[[str, str, int], Sequence[tuple[bytes, bytes]]]
"""(peer, collection, day) -> mark and sketch of each question that the log says was answered."""


class Probe(NamedTuple):
    """One question vector as it is remembered: what tells it apart, and where it about lies."""

    mark: bytes
    sketch: bytes


class Sketcher:
    """Sketches vectors under one secret (32 bytes)."""

    def __init__(self, secret: bytes) -> None:
        self._seed = int.from_bytes(secret, "big")
        self._projections = lru_cache(maxsize=16)(self._drawn)

    def probes(self, vectors: NDArray[np.float32], filtered: bytes = b"") -> tuple[Probe, ...]:
        """Return the probes of vectors (n, d), in their order, asked under one filter (canonical).

        `filtered` is empty where there is none.
        """
        signs = np.packbits(vectors @ self._projections(vectors.shape[1]).T > 0, axis=1)
        rows, sketches = vectors.tobytes(), signs.tobytes()
        wide, of = len(rows) // len(vectors), BITS // 8
        return tuple(
            [
                Probe(
                    _mark(rows[at * wide : (at + 1) * wide] + filtered),
                    sketches[at * of : (at + 1) * of],
                )
                for at in range(len(vectors))
            ]
        )

    def _drawn(self, dimension: int) -> NDArray[np.float32]:
        draw = np.random.default_rng([self._seed, dimension])
        return draw.standard_normal((BITS, dimension), dtype=np.float32)


@dataclass
class _Day:
    """The probes of one scope, answered or only reserved."""

    sketches: Sketches
    answered: set[bytes]
    held: Counter[bytes] = field(default_factory=Counter)

    def hold(self, probes: Sequence[Probe], limit: int) -> bool:
        if not self.sketches.add(probes, limit):
            return False
        held = self.held
        for mark, _ in probes:
            held[mark] = held.get(mark, 0) + 1
        return True

    def let_go(self, probes: Sequence[Probe]) -> None:
        held = self.held
        for mark, _ in probes:
            held[mark] -= 1
            if not held[mark]:
                del held[mark]
                if mark not in self.answered:
                    self.sketches.discard(mark)

    def settle(self, probes: Sequence[Probe]) -> None:
        self.sketches.add(probes)  # a reset may have taken them out
        self.answered.update([mark for mark, _ in probes])
        self.let_go(probes)
        self.answered.difference_update(self.sketches.trim(self.held))

    def forget_answered(self) -> None:
        for mark in self.answered - self.held.keys():
            self.sketches.discard(mark)
        self.answered.clear()


class Probes:
    """What each peer asked of each collection today, in sketches."""

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered
        self._days: dict[Scope, _Day] = {}
        self._stale: set[Scope] = set()

    def recall(self, scope: Scope) -> None:
        """Read what the log remembers of a scope, if it was not read yet."""
        self._day(scope)

    def reserve(self, scope: Scope, probes: Sequence[Probe], limit: int) -> bool:
        """Remember a question's vectors if each is one of at most `limit` near it, and say so."""
        return self._day(scope).hold(probes, limit)

    def release(self, scope: Scope, probes: Sequence[Probe]) -> None:
        """Forget what was reserved: nothing was answered."""
        day = self._day(scope)
        day.let_go(probes)
        self._drop_if_stale(scope, day)

    def settle(self, scope: Scope, probes: Sequence[Probe]) -> None:
        """Remember what was reserved for the day: the log has committed it."""
        day = self._day(scope)
        day.settle(probes)
        self._drop_if_stale(scope, day)

    def reset(self, peer: str, collection: str | None) -> None:
        """Forget what was answered before a reset that the log has just committed."""
        for scope in [s for s in self._days if concerns(s, peer, collection)]:
            self._days[scope].forget_answered()

    def reload(self) -> None:
        """Read what the log remembers again, each scope as soon as nothing is reserved in it."""
        self._stale.update(self._days)
        for scope in list(self._stale):
            self._drop_if_stale(scope, self._days[scope])

    def _day(self, scope: Scope) -> _Day:
        day = self._days.get(scope)
        if day is None:
            self._forget_before(scope[2])
            known = dict(self._remembered(*scope))
            day = self._days[scope] = _Day(Sketches(known.items()), set(known))
        return day

    def _forget_before(self, today: int) -> None:
        for old in [s for s in self._days if s[2] < today - 1 and not self._days[s].held]:
            del self._days[old]
            self._stale.discard(old)

    def _drop_if_stale(self, scope: Scope, day: _Day) -> None:
        if scope in self._stale and not day.held:
            self._stale.discard(scope)
            self._days.pop(scope, None)


def _mark(asked: bytes) -> bytes:
    return hashlib.sha256(asked).digest()[:MARK_BYTES]


def concerns(scope: tuple[str, str, int], peer: str, collection: str | None) -> bool:
    """Say whether a scope is of this peer and collection (None: any of its collections)."""
    return scope[0] == peer and collection in (None, scope[1])
