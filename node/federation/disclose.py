"""What of a scored ranking is shown to a partner, and what that costs it.

The rule of this file: exact scores do not leave. With `bins` a score becomes the number of its bin,
floor(score / width); with `ranks` only the order is shown; `count` and `boolean` speak of the
documents at or above the floor within k. Showing a record's bin counts as one scored answer for
that record. When one record of a list has none left, the whole list is shown as ranks: a rank
between two bins is a bin.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from node.policy.grants import Granularity


@dataclass(frozen=True)
class Scored:
    """A document's internal key and its score (a cosine, -1..1) for one vector."""

    key: int
    score: float


@dataclass(frozen=True)
class ShownHit:
    """A document that is shown, still under its internal key; `bin` is None in a rank-only list."""

    key: int
    bin: int | None


ShownList = tuple[ShownHit, ...] | int | bool
"""What is shown for one vector: hits, a count or whether there is any."""


@dataclass(frozen=True)
class Disclosure:
    """What is shown per vector, and how often each record's bin is among it."""

    lists: tuple[ShownList, ...]
    exposures: Mapping[int, int]


def bin_of(score: float, width: int) -> int:
    """Return the bin of a score (-1..1) at a width in thousandths; the top bin holds 1.0.

    Rounding errors at the ends of the range fall into the outermost bins.
    """
    last = -(-1000 // width) - 1
    return max(-last - 1, min(last, int(score * 1000 // width)))


def middle_of(bin_number: int, width: int) -> float:
    """Return the middle of a bin in thousandths."""
    return (bin_number + 0.5) * width


def scored_limit(dimension: int, granted: int | None) -> int:
    """Return how many scored answers a record may give a peer in an epoch: at most D/8.

    From about D exact scores a stored vector can be solved for; an eighth of that, in bins, leaves
    it little better known than the question alone makes it (see docs/policy.md).
    """
    eighth = dimension // 8
    return eighth if granted is None else min(granted, eighth)


def disclose(
    rankings: Sequence[Sequence[Scored]],
    granularity: Granularity,
    width: int,
    floor: int,
    reserve: Callable[[Sequence[int]], bool],
) -> Disclosure:
    """Trim rankings (best first, one per vector) to what may be shown.

    `width` and `floor` are in thousandths. `reserve` takes the keys of one list and says whether
    each of them has a scored answer left, having reserved it in that case.
    """
    exposures: Counter[int] = Counter()
    lists: list[ShownList] = []
    for ranking in rankings:
        above = [s for s in ranking if s.score * 1000 >= floor]
        if granularity == "boolean":
            lists.append(bool(above))
        elif granularity == "count":
            lists.append(len(above))
        elif granularity == "bins" and reserve([s.key for s in above]):
            exposures.update(s.key for s in above)
            lists.append(tuple(ShownHit(s.key, bin_of(s.score, width)) for s in above))
        else:
            lists.append(tuple(ShownHit(s.key, None) for s in above))
    return Disclosure(tuple(lists), dict(exposures))
