"""Which signed requests have been seen, so that each is answered at most once.

A nonce is kept from the moment its signature verified until the request can no longer be fresh
(expires + skew); a live nonce is never evicted, and a full memory refuses instead. An idempotency
key is bound to the body's digest for a day: while its first request is under way a second one is
told to wait; afterwards the same body gets the stored answer and another body is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

MAX_LIVE_NONCES = 1_000_000
"""Nonces held at once, over all peers; more would mean 11,000 signed requests a second."""


class NoncesFull(Exception):
    """No nonce can be recorded now, so nothing can be answered safely; ask again in a minute."""


@dataclass
class Nonces:
    """Live nonces of all peers."""

    capacity: int = MAX_LIVE_NONCES
    _until: dict[tuple[str, str], int] = field(default_factory=dict)
    _purged_at: int = 0

    def load(self, live: Iterable[tuple[str, str, int]]) -> None:
        """Take over the nonces that the log holds: (peer, nonce, until)."""
        for peer, nonce, until in live:
            self._until[peer, nonce] = until

    def record(self, peer: str, nonce: str, until: int, at: int) -> bool:
        """Record a nonce and say whether it is new; it lives through the second `until`.

        Raises NoncesFull when no place is left.
        """
        if (peer, nonce) in self._until and self._until[peer, nonce] >= at:
            return False
        full = len(self._until) >= self.capacity
        if at >= self._purged_at + 10 or (full and at > self._purged_at):
            self._purge(at)
        if len(self._until) >= self.capacity:
            raise NoncesFull(f"{self.capacity} nonces are live; ask again in a minute")
        self._until[peer, nonce] = until
        return True

    def _purge(self, at: int) -> None:
        self._until = {key: until for key, until in self._until.items() if until >= at}
        self._purged_at = at


@dataclass
class InFlight:
    """Idempotency keys whose first request is being answered at this moment."""

    _bodies: dict[tuple[str, str], str] = field(default_factory=dict)

    def enter(
        self, peer: str, key: str, body_digest: str
    ) -> Literal["entered", "under way", "other body"]:
        """Take the key for one request, or say why it is taken."""
        present = self._bodies.get((peer, key))
        if present is not None:
            return "under way" if present == body_digest else "other body"
        self._bodies[peer, key] = body_digest
        return "entered"

    def leave(self, peer: str, key: str) -> None:
        """Free the key; from now on the log knows it or nobody does."""
        self._bodies.pop((peer, key), None)
