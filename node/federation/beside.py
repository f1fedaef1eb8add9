"""Searching an old version and the new one for one question, and making one list of it.

The rule of this file: each version is searched by vectors of its own space, and every document is
scored once, by the newest version that has it (node/collections/merging.py). What the new version
has is read before it is searched: a document that is covered in between stands where it was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from node.collections.merging import Placed, by_places, by_scores
from node.federation.disclose import Ranking

Search = Callable[[], Awaitable[list[Ranking]]]
Covered = Callable[[Collection[int]], frozenset[int]]


@dataclass(frozen=True)
class Both:
    """The searches of the old version and of the new one; `comparable`: their scores compare."""

    old: Search
    new: Search
    covered: Covered
    comparable: bool

    async def search(self) -> list[Ranking]:
        """Search both and merge row by row; where scores do not compare they are not to be shown.

        Such scores only fall from place to place.
        """
        before = await self.old()
        keys = {key for ranking in before for key in ranking.keys}
        covered = await asyncio.to_thread(self.covered, keys)
        after = await self.new()
        return [self._merged(*row, covered) for row in zip(before, after, strict=True)]

    def _merged(self, old: Ranking, new: Ranking, covered: frozenset[int]) -> Ranking:
        if self.comparable:
            return _of(by_scores(old.keys, old.scores, new.keys, new.scores, covered), old, new)
        merged = _of(by_places(old.keys, new.keys, covered), old, new)
        return Ranking(merged.keys, [-float(at) for at in range(len(merged))], merged.cosines)


def version_names(names: Sequence[str]) -> str:
    """Return how an answer names the versions that made it, the new one first: `v2+v1`."""
    return "+".join(names)


def _of(rows: Sequence[Placed], old: Ranking, new: Ranking) -> Ranking:
    lists = (old, new)
    return Ranking(
        [lists[row.new].keys[row.at] for row in rows],
        [lists[row.new].scores[row.at] for row in rows],
        [lists[row.new].cosines[row.at] for row in rows],
    )
