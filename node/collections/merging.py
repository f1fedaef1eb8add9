"""One list out of an old version's and a new one's, while the new one does not have every document.

The rule of this file: a document stands where the newest version that has it puts it, and once. The
old version decides only between what the new one has and what it lacks. Where the scores of both
compare, they order the list; else the places at which the old version found documents that the new
one has too are filled with the new one's, best first. So with nothing covered the list is the old
version's, with everything covered the new one's, and what is not covered never loses its place.
docs/adr/0059 says why.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from node.collections.version import Version
from node.store import chunk_rows
from node.store.store import Store


def covered_in(store: Store, version: Version) -> Callable[[Collection[int]], frozenset[int]]:
    """Return what says which documents, by key, have vectors in a version now; blocking."""

    def covered(keys: Collection[int]) -> frozenset[int]:
        with store.read() as db:
            return chunk_rows.covered_among(db, version.key, keys)

    return covered


@dataclass(frozen=True, slots=True)
class Placed:
    """One row of a merged list: its place in the old list or in the new one."""

    new: bool
    at: int


def by_places(old: Sequence[int], new: Sequence[int], covered: Collection[int]) -> list[Placed]:
    """Fill the places of `old` (keys, best first) that hold covered documents from `new`.

    `covered` was read before `new` was searched, so what was covered since stands where it was.
    """
    kept = {key for key in old if key not in covered}
    fresh = iter([at for at, key in enumerate(new) if key not in kept])
    merged = []
    for at, key in enumerate(old):
        if key in kept:
            merged.append(Placed(False, at))
        elif (taken := next(fresh, None)) is not None:
            merged.append(Placed(True, taken))
    rest = (Placed(True, at) for at in fresh)
    return [*merged, *rest][: max(len(old), len(new))]


def by_scores(
    old: Sequence[int],
    old_scores: Sequence[float],
    new: Sequence[int],
    new_scores: Sequence[float],
    covered: Collection[int],
) -> list[Placed]:
    """Order by scores that compare; of equal ones the new version's first."""
    kept = {key for key in old if key not in covered}
    rows = [
        (-score, Placed(True, at)) for at, score in enumerate(new_scores) if new[at] not in kept
    ]
    rows += [(-score, Placed(False, at)) for at, score in enumerate(old_scores) if old[at] in kept]
    rows.sort(key=lambda row: row[0])
    return [placed for _, placed in rows][: max(len(old), len(new))]
