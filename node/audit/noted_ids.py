"""Which ids of questions, or nonces, the log may hold, so that it is asked only about those.

The rule of this file: an id that was noted is never said to be new; one that was not is now and
then taken for a noted one, and the log then says that it is not. Ids come from partners, so where
they are marked depends on a secret of this process (the hash of `str`): nobody can choose ids that
are taken for others. Memory is bounded: 2 MB for each two million ids, four such maps at most, the
oldest dropped once all of its ids have expired (Bloom, CACM 1970, with two marks an id).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

_BITS = 1 << 24
_MOST = 4


@dataclass
class _Map:
    """One bit map; `until` is the last second at which one of its `count` ids is live."""

    bits: bytearray = field(default_factory=lambda: bytearray(_BITS >> 3))
    count: int = 0
    until: int = 0

    def mark(self, name: int, until: int) -> None:
        for place in (name % _BITS, (name >> 32) % _BITS):
            self.bits[place >> 3] |= 1 << (place & 7)
        self.count += 1
        self.until = max(self.until, until)

    def holds(self, name: int) -> bool:
        one, other = name % _BITS, (name >> 32) % _BITS
        bits = self.bits
        return bool(bits[one >> 3] >> (one & 7) & bits[other >> 3] >> (other & 7) & 1)


class NotedIds:
    """Ids of all peers, each with the last second (epoch) at which it is live.

    Args:
        known: (peer, id, until) of each that the log holds already.
        each: how many ids a map takes; beyond the last map's room more ids are mistaken.
    """

    def __init__(self, known: Iterable[tuple[str, str, int]] = (), each: int = 2_000_000) -> None:
        self._each = each
        self._maps = [_Map()]
        self._lock = threading.Lock()
        for peer, key, until in known:
            self.note(peer, key, until, 0)

    def note(self, peer: str, key: str, until: int, at: int) -> None:
        """Remember an id that is about to be written, at second `at`."""
        with self._lock:
            if self._maps[-1].count >= self._each:
                self._maps = [one for one in self._maps if one.until >= at] or [_Map()]
                if self._maps[-1].count >= self._each and len(self._maps) < _MOST:
                    self._maps.append(_Map())
            self._maps[-1].mark(hash((peer, key)), until)

    def may_hold(self, peer: str, key: str) -> bool:
        """Say whether an id may have been noted; False is certain."""
        name = hash((peer, key))
        return any(one.holds(name) for one in self._maps)
