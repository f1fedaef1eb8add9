"""Which of the partners' silos are likely to answer, where the asker wants no more than so many.

The rules of this file:

1. Only what silos have shown in answers to this node counts; no partner says what it holds.
2. A silo of which too little is known is always asked, besides the `most` that are wanted.
3. Now and then one of those left out is asked too (`explore`), so that what changes is noticed.
4. What is left out gets nothing: no question, no request for offers, no leaf.
"""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

Silo = tuple[str, str]
"""An organisation and its collection."""


@dataclass(frozen=True)
class Expected:
    """The part of a merged list that a silo is expected to give, and from how many answers."""

    share: float
    answers: int


@dataclass(frozen=True)
class Choice:
    """What is left out of a question; `expected` holds every silo of which enough is known.

    `explored` would have been left out, and is asked to learn from it.
    """

    expected: Mapping[Silo, Expected] = field(default_factory=dict)
    left: frozenset[Silo] = frozenset()
    explored: Silo | None = None

    def is_left(self, organisation: str, collection: str) -> bool:
        """Whether this collection is left out."""
        return (organisation, collection) in self.left

    def left_of(self, organisation: str) -> list[str]:
        """Return the collections of a partner that are left out, by name."""
        return sorted(collection for name, collection in self.left if name == organisation)

    def leaves_out(self, organisation: str) -> bool:
        """Whether all that is known of a partner is left out, so that it is not contacted."""
        known = {silo for silo in self.expected if silo[0] == organisation}
        return bool(known) and known <= self.left

    @property
    def left_share(self) -> float | None:
        """What part of all that is expected of partners is left out; None where nothing is."""
        whole = sum(each.share for each in self.expected.values())
        if not self.left or whole <= 0.0:
            return 0.0 if self.left else None
        return sum(self.expected[silo].share for silo in self.left) / whole


EVERYBODY = Choice()
"""Nobody is left out."""


def choose(
    expected: Mapping[Silo, Expected],
    partners: Collection[str],
    most: int,
    explore: float,
    draw: random.Random,
) -> Choice:
    """Choose the `most` likeliest of the partners' silos, and with probability `explore` one more.

    Silos that are equally likely are drawn at random, never taken by name.
    """
    known = {silo: each for silo, each in expected.items() if silo[0] in partners}
    order = sorted(known, key=lambda silo: (-known[silo].share, draw.random()))
    left = order[most:]
    explored = draw.choice(left) if left and draw.random() < explore else None
    return Choice(known, frozenset(left) - {explored}, explored)
