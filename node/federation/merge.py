"""One ranked list out of several silos' answers, such that no silo can decide the whole of it.

Rules, in their order:

1. Silos that gave bins in one score space are ordered together: by the middle of the bin, then by
   the rank within the own silo, then by a seeded hash of silo and reference. Never by the order of
   the silos.
2. A partner holds at most half of every beginning of that list, and one more, as long as another
   silo has a hit left: scores are claims, and a liar who claims the top bin for all its
   documents gets this share and no more. The own silo is not capped, for it has no reason to lie.
3. Silos in other score spaces, and those that gave ranks only, are merged by reciprocal rank fusion
   (Cormack, Clarke and Buettcher, SIGIR 2009, k = 60): weight 1 / (60 + r). Within a group of g
   silos that were ordered together, r is the position divided by g, so that being comparable
   costs a silo nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

RRF_K = 60
"""The constant of reciprocal rank fusion."""


@dataclass(frozen=True)
class SiloHit:
    """One record of one silo; `bin_middle` is in thousandths, None where only the rank is known."""

    reference: str
    bin_middle: float | None


@dataclass(frozen=True)
class SiloRanking:
    """What one silo (an organisation's collection) answered to one vector, best first."""

    organisation: str
    collection: str
    own: bool
    score_space: str | None
    hits: tuple[SiloHit, ...]

    @property
    def scored(self) -> bool:
        """Whether every hit carries a bin in a named score space."""
        return self.score_space is not None and all(h.bin_middle is not None for h in self.hits)


@dataclass(frozen=True)
class MergedHit:
    """A record's place in the merged list: the silo's number in the input and the rank there."""

    silo: int
    rank: int
    hit: SiloHit


def merge(silos: Sequence[SiloRanking], limit: int, seed: bytes) -> list[MergedHit]:
    """Return at most `limit` hits of all silos; the same input and seed give the same list.

    The order of `silos` does not matter for the order of the result.
    """
    groups = [
        (_order_group(silos, members, limit, seed), len(members))
        for members in _groups(silos).values()
    ]
    fused = sorted(
        (
            (-1.0 / (RRF_K + position / size), _tie(silos[m.silo], m.hit, seed), m)
            for ordered, size in groups
            for position, m in enumerate(ordered, 1)
        ),
        key=lambda entry: entry[:2],
    )
    return [m for _, _, m in fused[:limit]]


def _groups(silos: Sequence[SiloRanking]) -> dict[tuple[str, int], list[int]]:
    """Silos that can be ordered together: one score space and bins; any other stands alone."""
    groups: dict[tuple[str, int], list[int]] = {}
    for number, silo in enumerate(silos):
        if silo.hits:
            key = (silo.score_space or "", -1) if silo.scored else ("", number)
            groups.setdefault(key, []).append(number)
    return groups


def _order_group(
    silos: Sequence[SiloRanking], members: Sequence[int], limit: int, seed: bytes
) -> list[MergedHit]:
    hits = [
        MergedHit(number, rank, hit)
        for number in members
        for rank, hit in enumerate(silos[number].hits, 1)
    ]
    if len(members) == 1:
        return hits
    hits.sort(key=lambda m: (-(m.hit.bin_middle or 0.0), m.rank, _tie(silos[m.silo], m.hit, seed)))
    return _capped(hits, silos, limit)


def _capped(hits: Sequence[MergedHit], silos: Sequence[SiloRanking], limit: int) -> list[MergedHit]:
    """Hold back a partner's hits while it has its share and another silo still has a hit."""
    queue, held, result = list(hits), Counter[int](), list[MergedHit]()
    while queue and len(result) < limit:
        chosen = next((m for m in queue if _may_follow(m, held, len(result), silos)), queue[0])
        queue.remove(chosen)
        held[chosen.silo] += 1
        result.append(chosen)
    return result


def _may_follow(
    hit: MergedHit, held: Counter[int], placed: int, silos: Sequence[SiloRanking]
) -> bool:
    share = (placed + 1) // 2 + 1  # half of the list that this hit would end, and one more
    return silos[hit.silo].own or held[hit.silo] < share


def _tie(silo: SiloRanking, hit: SiloHit, seed: bytes) -> bytes:
    name = "\0".join((silo.organisation, silo.collection, hit.reference))
    return hashlib.blake2b(name.encode(), key=seed[:64], digest_size=16).digest()
