"""How many authenticated requests are worked on at once, of all partners and of each.

The rule of this file: a node that cannot keep up says so at once, while an answer would still come
in time, instead of letting every question wait for longer than its asker does; and nobody takes the
place of all others: one partner has at most half of it.
"""

from collections import Counter

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

    def several(self) -> bool:
        """Whether more than one request is worked on."""
        return self._all > 1

    def entered(self, partner: str) -> "_Entered":
        """Count one request of a partner while the context lasts. Raises Refused: busy."""
        return _Entered(self, partner)

    def _enter(self, partner: str) -> None:
        if self._all >= self._most or self._by_partner[partner] >= self._one_partners:
            raise Refused(Code.BUSY, f"{self._all} requests are under way", authenticated=True)
        self._all += 1
        self._by_partner[partner] += 1

    def _leave(self, partner: str) -> None:
        self._all -= 1
        self._by_partner[partner] -= 1
        if not self._by_partner[partner]:
            del self._by_partner[partner]


class _Entered:
    """One request's time; a class, because a generator's context costs each question five calls."""

    __slots__ = ("_count", "_partner")

    def __init__(self, count: UnderWay, partner: str) -> None:
        self._count, self._partner = count, partner

    def __enter__(self) -> None:
        self._count._enter(self._partner)

    def __exit__(self, *_raised: object) -> None:
        self._count._leave(self._partner)
