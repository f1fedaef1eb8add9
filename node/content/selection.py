"""Which records an erasure is about, and how a leaf names them.

Rule of this file: what a leaf says can be applied again. Ranges of leaf indexes, kinds and partner
together cover exactly the records that were erased, so a copy of the keys from before the erasure
is brought up to it by reading the log.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from node.content.content import KINDS, Kind
from node.content.record_store import Row

MAX_RANGES = 1_000
"""Ranges in one `erasure` leaf, about 20 bytes each; more make more leaves."""

Range = tuple[int, int]
"""Leaf indexes from the first up to and without the second."""


@dataclass(frozen=True)
class Selection:
    """Records to erase; every condition that is given must hold.

    `indexes` of leaves; `before`: leaves older than that (epoch seconds, UTC).
    """

    kinds: tuple[Kind, ...] = KINDS
    indexes: frozenset[int] | None = None
    peer: str | None = None
    before: int | None = None

    def holds(self, row: Row) -> bool:
        """Whether a record of these kinds and this partner is meant."""
        return (self.indexes is None or row.idx in self.indexes) and (
            self.before is None or row.at < self.before
        )


@dataclass
class Portion:
    """Records that one leaf can name: their slots, ranges of indexes, numbers by kind."""

    slots: list[int] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)


def portions(rows: Iterable[Row], selection: Selection) -> Iterator[Portion]:
    """Divide the selected among `rows`: all records of the kinds and partner, by index.

    A range goes on as long as no record that stays lies within it; a leaf's records stay together
    only as far as they are meant together, for one leaf is one index.
    """
    portion, closed = Portion(), True
    for index, of_leaf in _by_leaf(rows):
        meant = [row for row in of_leaf if selection.holds(row)]
        if not meant:
            closed = True
            continue
        if closed and len(portion.ranges) == MAX_RANGES:
            yield portion
            portion = Portion()
        if closed:
            portion.ranges.append((index, index + 1))
        else:
            portion.ranges[-1] = (portion.ranges[-1][0], index + 1)
        closed = False
        portion.slots += [row.slot for row in meant]
        portion.records.update(row.kind for row in meant)
    if portion.slots:
        yield portion


def within(rows: Iterable[Row], ranges: Sequence[Range]) -> list[int]:
    """Return the slots of the rows that lie within the ranges; both ascending by index."""
    found, place = [], 0
    for row in rows:
        while place < len(ranges) and ranges[place][1] <= row.idx:
            place += 1
        if place < len(ranges) and ranges[place][0] <= row.idx:
            found.append(row.slot)
    return found


def _by_leaf(rows: Iterable[Row]) -> Iterator[tuple[int, list[Row]]]:
    of_leaf: list[Row] = []
    for row in rows:
        if of_leaf and of_leaf[0].idx != row.idx:
            yield of_leaf[0].idx, of_leaf
            of_leaf = []
        of_leaf.append(row)
    if of_leaf:
        yield of_leaf[0].idx, of_leaf
