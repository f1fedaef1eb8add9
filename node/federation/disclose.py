"""What of a scored ranking is shown to a partner, and what that costs it.

The rules of this file:

- Exact scores do not leave. With `bins` a score becomes the number of its bin, floor(score /
  width); with `ranks` only the order is shown; `count` and `boolean` speak of the documents at or
  above the floor within k.
- Whatever lets a partner know anything of a record costs that record an answer. That is each record
  of a list; and with a floor each candidate within k, because an absence, a number and a `false`
  tell as exactly as a presence on which side of the floor its score lies. With a filter too: a
  number then says which values the records that were found have.
- When one record of a list has no scored answer left, the whole list is shown as ranks: a rank
  between two bins is a bin.
- A number below the smallest that the grant shows is told without its figure.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from node.policy.grants import Grant, Granularity


@dataclass(frozen=True, slots=True)
class Ranking:
    """Documents best first by internal key, their scores (-1..1) and cosines, column by column.

    A score is the cosine itself, or the corrected score that is made of it.
    """

    keys: Sequence[int]
    scores: Sequence[float]
    cosines: Sequence[float]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class ShownRecords:
    """Documents that are shown, still under internal keys; `bins` is None in a rank-only list."""

    keys: tuple[int, ...]
    bins: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.keys)


ShownList = ShownRecords | int | bool | None
"""What is shown for one vector: records, a count (None: too small) or whether there are any."""


@dataclass(frozen=True)
class Disclosure:
    """What is shown per vector; `withheld`: some records are no longer told of, whatever is asked.

    `withheld` does not depend on the question, so it tells nothing of what was near it.
    """

    lists: tuple[ShownList, ...]
    withheld: bool = False

    @property
    def keys(self) -> list[int]:
        """The internal keys of the records that are shown, list by list."""
        return [
            key for shown in self.lists if isinstance(shown, ShownRecords) for key in shown.keys
        ]


@dataclass(frozen=True)
class Terms:
    """How much is shown: `width` of a bin and `floor` in thousandths, `floor` None where none is.

    `smallest` is the smallest number that is shown, `filtered` says whether the question restricts
    the records by their fields.
    """

    granularity: Granularity
    width: int
    floor: int | None = None
    smallest: int = 1
    filtered: bool = False

    @classmethod
    def of(cls, grant: Grant, granularity: Granularity, *, filtered: bool) -> "Terms":
        """Return a grant's terms at the granularity that is answered with."""
        floor = grant.floor if grant.has_floor else None
        return cls(granularity, grant.bin_width, floor, grant.smallest_count, filtered)

    @property
    def free(self) -> bool:
        """Whether all that is told is how many were found, nothing of any of them."""
        return self.floor is None and self.numbers and not self.filtered

    @property
    def numbers(self) -> bool:
        """Whether a number or a yes or no is told instead of documents."""
        return self.granularity in ("boolean", "count")


class Records(Protocol):
    """The answers that are left of each record, for one peer under one grant."""

    def reserve(self, keys: Sequence[int]) -> Sequence[int] | None:
        """Reserve an answer about each of these, best first; return those that may be told of.

        None, with nothing reserved, where the search has found one that may not be any more.
        """

    def may_score(self, keys: Sequence[int]) -> bool:
        """Say whether the answers just reserved may show these records' bins."""


class RecordsOfLists(Records, Protocol):
    """The same for many lists of one question."""

    def reserve_clear(self, lists: Sequence[Sequence[int]]) -> Sequence[int]:
        """Reserve an answer about each record of the lists that no limit stands against.

        That is in whatever order they are disclosed; they may show all their records, with their
        bins. Returns their numbers; for the others nothing is reserved.
        """


class SearchAgain(Exception):
    """A record has been used up since the search began; search without it. Nothing is reserved."""


def disclose_all(
    rankings: Sequence[Ranking], terms: Terms, records: RecordsOfLists
) -> dict[int, ShownList]:
    """Trim rankings as `disclose` would, one after the other; what is shown of each by its number.

    Those that are missing are to be searched again.
    """
    shown: dict[int, ShownList] = {}
    if len(rankings) > 1 and not terms.free:
        for at in records.reserve_clear([ranking.keys for ranking in rankings]):
            shown[at] = _trimmed(rankings[at], rankings[at].keys, terms, _always)
    for at, ranking in enumerate(rankings):
        if at not in shown:
            with suppress(SearchAgain):
                shown[at] = disclose(ranking, terms, records)
    return shown


def disclose(ranking: Ranking, terms: Terms, records: Records) -> ShownList:
    """Trim one ranking (best first, at most k) to what may be shown. Raises SearchAgain."""
    if terms.free:
        return _number(len(ranking), terms)
    told = records.reserve(ranking.keys)
    if told is None:
        raise SearchAgain
    return _trimmed(ranking, told, terms, records.may_score)


def _trimmed(
    ranking: Ranking,
    told: Sequence[int],
    terms: Terms,
    may_score: Callable[[Sequence[int]], bool],
) -> ShownList:
    """What of a ranking is shown whose records `told` may be told of."""
    keys, scores = ranking.keys, ranking.scores
    if terms.floor is not None or len(told) < len(keys):
        shown = _shown(ranking, told, terms.floor)
        keys, scores = [keys[at] for at in shown], [scores[at] for at in shown]
    if terms.numbers:
        return _number(len(keys), terms)
    if terms.granularity == "bins" and may_score(keys):
        return ShownRecords(tuple(keys), _bins(scores, terms.width))
    return ShownRecords(tuple(keys))


def _always(_: Sequence[int]) -> bool:
    return True


def _shown(ranking: Ranking, told: Sequence[int], floor: int | None) -> Sequence[int]:
    """The places in a ranking of the records that may be told of and reach the floor."""
    places: Sequence[int] = range(len(ranking))
    if len(told) < len(ranking):
        may = frozenset(told)
        places = [at for at in places if ranking.keys[at] in may]
    if floor is None:
        return places
    return [at for at in places if ranking.cosines[at] * 1000 >= floor]


def bin_of(score: float, width: int) -> int:
    """Return the bin of a score (-1..1) at a width in thousandths; the top bin holds 1.0.

    Rounding errors at the ends of the range fall into the outermost bins.
    """
    last = -(-1000 // width) - 1
    return max(-last - 1, min(last, int(score * 1000 // width)))


def _bins(scores: Sequence[float], width: int) -> tuple[int, ...]:
    """The bins of many scores, as `bin_of` gives them."""
    last = -(-1000 // width) - 1
    bins = [int(score * 1000 // width) for score in scores]
    if bins and not (-last - 1 <= min(bins) and max(bins) <= last):
        bins = [bin_of(score, width) for score in scores]
    return tuple(bins)


def middle_of(bin_number: int, width: int) -> float:
    """Return the middle of a bin in thousandths."""
    return (bin_number + 0.5) * width


def _number(n: int, terms: Terms) -> int | bool | None:
    if terms.granularity == "boolean":
        return n >= terms.smallest
    return n if n >= terms.smallest or terms.smallest == 1 else None
