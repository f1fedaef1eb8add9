"""How many authenticated requests are worked on at once, of all partners and of each.

The rule of this file: a node that cannot keep up says so at once, while an answer would still come
in time, instead of letting every question wait for longer than its asker does; and nobody takes the
place of all others: one partner has at most half of it.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from protocol.problems import Code, Refused

MOST = 2048
"""Requests at once: what two cores answer in about five seconds, half of an asker's patience."""

ONE_PARTNERS = MOST // 2


class UnderWay:
    """Counts requests from their authentication until their answer is made."""

    def __init__(self, most: int = MOST, one_partners: int = ONE_PARTNERS) -> None:
        self._most, self._one_partners = most, one_partners
        self._by_partner: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def entered(self, partner: str) -> Iterator[None]:
        """Count one request of a partner while the context lasts. Raises Refused: busy."""
        if self._all >= self._most or self._by_partner[partner] >= self._one_partners:
            raise Refused(Code.BUSY, f"{self._all} requests are under way", authenticated=True)
        self._all += 1
        self._by_partner[partner] += 1
        try:
            yield
        finally:
            self._all -= 1
            self._by_partner[partner] -= 1
            if not self._by_partner[partner]:
                del self._by_partner[partner]
