"""What a peer has used and what is in use now, so that limits hold under concurrency.

The rule of this file: a debit is reserved before the work and settled in the transaction of the
audit leaf. Memory holds what the log holds plus what is reserved; the log is read once per counter
and again after a failed commit. All of it runs on the event loop and none of it awaits between
reading a counter and reserving from it, so a thousand concurrent queries against a budget of one
hundred reserve exactly one hundred.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from node.federation.probing import concerns

Spent = Callable[[str, str, int], int]
"""(peer, collection, day) -> vectors that the log says were debited."""

MAX_BUCKETS = 8_192


@dataclass
class RateTokens:
    """One token bucket per peer, holding a minute's worth; a batch of n takes n.

    Time is an argument in seconds of any clock that never goes back. Where networks have buckets
    too, strangers choose how many there are: beyond `MAX_BUCKETS` the one that was used longest ago
    is forgotten.
    """

    _filled: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, peer: str, n: int, per_minute: int, now: float) -> bool:
        """Take `n` tokens and say whether they were there; nothing is taken otherwise."""
        tokens, at = self._filled.get(peer, (float(per_minute), now))
        tokens = min(float(per_minute), tokens + max(0.0, now - at) * per_minute / 60)
        taken = n <= tokens
        self._filled.pop(peer, None)  # so that the order is that of use
        self._filled[peer] = (tokens - n if taken else tokens, now)
        if len(self._filled) > MAX_BUCKETS:
            del self._filled[next(iter(self._filled))]
        return taken


class QueryBudgets:
    """Vectors a day, per peer and collection."""

    def __init__(self, spent: Spent) -> None:
        self._spent = spent
        self._settled: dict[tuple[str, str, int], int] = {}
        self._held: Counter[tuple[str, str, int]] = Counter()
        self._stale: set[tuple[str, str, int]] = set()

    def recall(self, peer: str, collection: str, day: int) -> None:
        """Read a counter from the log, if it was not yet."""
        self._used((peer, collection, day))

    def left(self, peer: str, collection: str, day: int, limit: int) -> int:
        """Return how many vectors may still be asked, reservations taken as used."""
        key = (peer, collection, day)
        return max(0, limit - self._used(key) - self._held[key])

    def reserve(self, peer: str, collection: str, day: int, n: int, limit: int) -> bool:
        """Reserve `n` if they are left, and say so."""
        if n > self.left(peer, collection, day, limit):
            return False
        self._held[peer, collection, day] += n
        return True

    def release(self, peer: str, collection: str, day: int, n: int) -> None:
        """Give a reservation back: nothing was answered."""
        self._let_go((peer, collection, day), n)

    def settle(self, peer: str, collection: str, day: int, n: int) -> None:
        """Turn a reservation into a debit: the log has committed it."""
        key = (peer, collection, day)
        self._settled[key] = self._used(key) + n
        self._let_go(key, n)
        for old in [k for k in self._settled if k[2] < day - 1]:
            del self._settled[old]

    def reset(self, peer: str, collection: str | None) -> None:
        """Count what was debited before a reset that the log has just committed as nothing.

        To be called when the reset's own outcome comes, in the order of the log: what was committed
        before it has been settled by then, what comes after it has not.
        """
        for key in self._settled:
            if concerns(key, peer, collection):
                self._settled[key] = 0

    def reload(self) -> None:
        """Read the counters from the log again, each as soon as nothing is reserved from it.

        Not at once: what is being committed at this moment would be counted from the log and again
        when it is settled.
        """
        self._stale.update(self._settled)
        for key in list(self._stale):
            self._let_go(key, 0)

    def _used(self, key: tuple[str, str, int]) -> int:
        if key not in self._settled:
            self._settled[key] = self._spent(*key)
        return self._settled[key]

    def _let_go(self, key: tuple[str, str, int], n: int) -> None:
        self._held[key] -= n
        if not self._held[key]:
            del self._held[key]
            if key in self._stale:
                self._stale.discard(key)
                self._settled.pop(key, None)
