"""One ranked list out of several silos' answers, such that no partner can decide the whole of it.

Rules, in their order:

1. Silos that gave bins of one kind in one score space are ordered together: by the middle of the
   bin, as the asker takes it, then by the rank within the own silo, then by a seeded hash of
   silo and reference. Never by the order of the silos.
2. A partner holds at most half of every beginning of that list, and one more, as long as another
   organisation has a hit left, however many collections it answers with: scores are claims, and a
   liar who claims the top bin for all its documents gets this share and no more. The own
   collections are not capped, for they have no reason to lie. Figures: docs/federation.md.
   The same holds for the list that rule 3 makes, so that nobody gets a second share by answering
   in a second way.
3. What does not compare is merged by reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR
   2009, k = 60), weight 1 / (60 + r): one list for each score space, and one for each organisation
   that gave ranks only. Where g organisations were ordered together, r is the position divided by
   g, so that being comparable costs nobody anything.
4. What several silos commit to as one content stands once, at the best of its places, and names
   them all. Copies take no place and no share. Two records of one silo stay two.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from operator import itemgetter

from adapters.scale import AS_TOLD, Scale
from protocol.score_kind import ScoreKind

RRF_K = 60
"""The constant of reciprocal rank fusion."""


@dataclass(frozen=True)
class SiloHit:
    """One record of one silo; `bin_middle` is in thousandths, None where only the rank is known.

    `commitment` is to its content, under the key of the question; None where the silo told none.
    """

    reference: str
    bin_middle: float | None
    commitment: str | None = None


@dataclass(frozen=True)
class SiloRanking:
    """What one silo (an organisation's collection) answered to one vector, best first.

    `meant` is what the asker takes its scores for (`adapters/scale.py`).
    """

    organisation: str
    collection: str
    own: bool
    score_space: str | None
    hits: tuple[SiloHit, ...]
    score_kind: ScoreKind | None = None
    meant: Scale = AS_TOLD

    @property
    def scored(self) -> bool:
        """Whether every hit carries a bin in a named score space."""
        return self.score_space is not None and all(h.bin_middle is not None for h in self.hits)

    @property
    def scale(self) -> tuple[str, str]:
        """What its scores compare with: their space, and what they are there."""
        return self.score_space or "", self.score_kind or "cosine"


@dataclass(frozen=True)
class MergedHit:
    """A record's place in the merged list: the silo's number in the input and the rank there.

    `held_back` where rule 2 put a hit with a lower bin before it. `copies` are the same document in
    other silos.
    """

    silo: int
    rank: int
    hit: SiloHit
    held_back: bool = False
    copies: tuple["MergedHit", ...] = ()


def half_and_one(length: int) -> int:
    """Return how many of the first `length` hits one partner may hold."""
    return length // 2 + 1


def merge(
    silos: Sequence[SiloRanking],
    limit: int,
    seed: bytes,
    share: Callable[[int], int] = half_and_one,
) -> list[MergedHit]:
    """Return at most `limit` hits of all silos; the same input and seed give the same list.

    The order of `silos` does not matter for the order of the result. `share` is rule 2.
    """
    groups = _groups(silos)
    committed = any(hit.commitment for silo in silos for hit in silo.hits)

    @cache
    def tie(number: int, rank: int) -> bytes:
        return _tie(silos[number], silos[number].hits[rank - 1], seed)

    if len(groups) == 1 and not committed:  # what is fused of one list is its beginning
        (members,) = groups.values()
        return _marked(_capped(_ordered(silos, members, tie), silos, limit, share), silos)
    fused = []
    for members in groups.values():
        hits = _ordered(silos, members, tie)
        size = len({silos[number].organisation for number in members})
        for position, hit in enumerate(_capped(hits, silos, None, share), 1):
            fused.append((-1.0 / (RRF_K + position / size), tie(hit.silo, hit.rank), hit))
    fused.sort(key=itemgetter(0, 1))
    merged = _capped((hit for _, _, hit in fused), silos, None if committed else limit, share)
    return _marked(merged[:limit], silos)


def _groups(silos: Sequence[SiloRanking]) -> dict[tuple[str, str], list[int]]:
    """Silos that compare: by scale, or those of one organisation that gave ranks only."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number, silo in enumerate(silos):
        if silo.hits:
            key = silo.scale if silo.scored else ("ranks", silo.organisation)
            groups.setdefault(key, []).append(number)
    return groups


def _ordered(
    silos: Sequence[SiloRanking], members: Sequence[int], tie: Callable[[int, int], bytes]
) -> Iterator[MergedHit]:
    """Yield the hits of silos that compare (rule 1); ties are looked up only as far as is read."""
    scored = silos[members[0]].scored
    places = [
        (-_bin(silos[number], hit) if scored else 0.0, rank, number)
        for number in members
        for rank, hit in enumerate(silos[number].hits, 1)
    ]
    places.sort()
    for _, alike in groupby(places, key=itemgetter(0, 1)):
        found = list(alike)
        if len(found) > 1:
            found.sort(key=lambda place: tie(place[2], place[1]))
        for _, rank, number in found:
            yield MergedHit(number, rank, silos[number].hits[rank - 1])


def _capped(
    hits: Iterable[MergedHit],
    silos: Sequence[SiloRanking],
    limit: int | None,
    share: Callable[[int], int],
) -> list[MergedHit]:
    """Hold back a partner's hits while it has its share and somebody else still has a hit.

    At most `limit` of them; no more of `hits` is read than that needs. None: all.
    """
    queue = _Queue(enumerate(hits), silos)
    held = dict.fromkeys({silo.organisation for silo in silos if not silo.own}, 0)
    result = _Once()
    while limit is None or len(result.hits) < limit:
        taken = queue.take(held, share(len(result.hits) + 1))
        if taken is None:
            break
        name, hit = taken
        if not result.is_copy(hit):
            result.hits.append(hit)
            if name in held:
                held[name] += 1
    return result.hits


class _Queue:
    """Hits in their order, and those that were passed over; few partners have any of those."""

    def __init__(
        self, coming: Iterator[tuple[int, MergedHit]], silos: Sequence[SiloRanking]
    ) -> None:
        self._coming, self._silos = coming, silos
        self._passed: dict[str, deque[tuple[int, MergedHit]]] = {}

    def take(self, held: Mapping[str, int], most: int) -> tuple[str, MergedHit] | None:
        """Take the foremost hit of one who holds fewer than `most`, or the foremost of all.

        Own collections are not in `held`.
        """
        free = [name for name in self._passed if held.get(name, -1) < most]
        if free:
            return self._take_passed(free)
        for place, hit in self._coming:
            name = self._silos[hit.silo].organisation
            if held.get(name, -1) < most:
                return name, hit
            self._passed.setdefault(name, deque()).append((place, hit))
        return self._take_passed(self._passed) if self._passed else None

    def _take_passed(self, names: Iterable[str]) -> tuple[str, MergedHit]:
        name = min(names, key=lambda each: self._passed[each][0][0])
        _, hit = self._passed[name].popleft()
        if not self._passed[name]:
            del self._passed[name]
        return name, hit


@dataclass
class _Once:
    """Hits so far, each content once (rule 4)."""

    hits: list[MergedHit] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def is_copy(self, hit: MergedHit) -> bool:
        """Whether another silo's hit with this content is there; it then names this one too."""
        commitment = hit.hit.commitment
        if commitment is None:
            return False
        place = self.places.setdefault(commitment, len(self.hits))
        if place == len(self.hits) or self.hits[place].silo == hit.silo:
            return False
        first = self.hits[place]
        known = {(each.silo, each.rank) for each in first.copies}
        more = [each for each in (hit, *hit.copies) if (each.silo, each.rank) not in known]
        copies = tuple(replace(each, copies=()) for each in more)
        self.hits[place] = replace(first, copies=first.copies + copies)
        return True


def _marked(merged: Sequence[MergedHit], silos: Sequence[SiloRanking]) -> list[MergedHit]:
    """Mark what stands below a lower bin of its scale: nothing but rule 2 does that."""
    lowest: dict[tuple[str, str], float] = {}
    marked = []
    for hit in merged:
        silo = silos[hit.silo]
        middle = _bin(silo, hit.hit)
        below = False
        if silo.scored:
            least = min(lowest.get(silo.scale, middle), middle)
            lowest[silo.scale], below = least, least < middle
        marked.append(replace(hit, held_back=True) if below else hit)
    return marked


def _bin(silo: SiloRanking, hit: SiloHit) -> float:
    """What the middle of a hit's bin counts for."""
    return 1000 * silo.meant.of((hit.bin_middle or 0.0) / 1000)


def _tie(silo: SiloRanking, hit: SiloHit, seed: bytes) -> bytes:
    name = "\0".join((silo.organisation, silo.collection, hit.reference))
    return hashlib.blake2b(name.encode(), key=seed[:64], digest_size=16).digest()
