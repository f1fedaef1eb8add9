"""What one search sees: a snapshot, the rows added since, and which rows are dead. Immutable.

A change makes a new view and leaves the old one as it is, so that a search that began with the old
one ends with it, and no search ever waits for a writer.

    rows that count = (snapshot rows that are not dead) + delta rows
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from node.index.among import Among
from node.index.segment import IntArray, Mask, Segment, join
from node.index.snapshot import Snapshot
from node.store.chunk_rows import LiveChunks

LabelSets = Mapping[int, frozenset[str]]

_NARROWED = 8  # masks of the same with documents left out
_REMEMBERED = 64  # label filters of which a view keeps the mask


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One committed transaction: the chunk keys that are gone, then the rows that are new.

    `label_sets` names the label sets of the new rows.
    """

    removed: IntArray
    added: Segment | None
    label_sets: LabelSets


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The state of an index at one moment.

    `base` holds the snapshot's rows with documents and labels as of now (a dead row's document
    is -1; no rows without a snapshot); `dead` (n,) marks the rows that are gone.
    """

    snapshot: Snapshot | None
    base: Segment
    dead: Mask
    delta: tuple[Segment, ...]
    label_sets: LabelSets
    _masks: dict[frozenset[str] | None, tuple[Mask, int]] = field(default_factory=dict)
    _narrowed: dict[tuple[frozenset[str] | None, Among], tuple[Mask, int]] = field(
        default_factory=dict
    )
    _shown: dict[frozenset[str], npt.NDArray[np.int32]] = field(default_factory=dict)

    @property
    def live(self) -> int:
        """Number of rows that count."""
        return len(self.base) - int(self.dead.sum()) + self.delta_size

    def rows(self) -> LiveChunks:
        """Every row that counts, by ascending key; what store.db holds, without reading it."""
        base, counts = self.base, ~self.dead
        keys = np.concatenate([base.keys[counts], *(part.keys for part in self.delta)])
        order = np.argsort(keys, kind="stable")  # they come nearly in order
        documents = [base.documents[counts], *(part.documents for part in self.delta)]
        label_sets = [base.label_sets[counts], *(part.label_sets for part in self.delta)]
        return LiveChunks(
            keys[order], np.concatenate(documents)[order], np.concatenate(label_sets)[order]
        )

    @property
    def delta_size(self) -> int:
        """Number of rows that are searched one by one."""
        return sum(len(segment) for segment in self.delta)

    def after(self, change: Change) -> "View":
        """Return the view that holds once `change` has been committed."""
        dead, delta = self.dead, list(self.delta)
        if len(change.removed):
            dead = dead | np.isin(self.base.keys, change.removed)
            delta = [
                kept
                for segment in delta
                if len(kept := segment.only(~np.isin(segment.keys, change.removed)))
            ]
        if change.added is not None and len(change.added):
            delta.append(change.added)
            delta = _merged(delta)
        label_sets = {**self.label_sets, **change.label_sets}
        after = View(self.snapshot, self.base, dead, tuple(delta), label_sets)
        if not len(change.removed):  # then what was found out of the base's rows still holds
            return replace(after, _masks=self._masks, _narrowed=self._narrowed)
        return after

    def eligible(self, visible: frozenset[str] | None) -> tuple[Mask, int]:
        """Return the mask of base rows that are alive and visible, and how many they are.

        A row is visible when its document carries at least one of the labels; None: all are.
        """
        found = self._masks.get(visible)
        if found is None:
            mask = ~self.dead
            if visible is not None:
                mask &= self.visible_rows(self.base, visible)
            found = (mask, int(mask.sum()))
            if len(self._masks) < _REMEMBERED:
                self._masks[visible] = found
        return found

    def admitted(self, visible: frozenset[str] | None, among: Among) -> tuple[Mask, int]:
        """Return the mask of base rows that `eligible` gives and `among` admits, and its count."""
        mask, count = self.eligible(visible)
        if among.everything or not count:
            return mask, count
        found = self._narrowed.get((visible, among))
        if found is None:
            mask = mask & among.rows(self.base)
            found = (mask, int(mask.sum()))
            if len(self._narrowed) >= _NARROWED:  # an `Among` is used for as long as it is right
                self._narrowed.clear()
            self._narrowed[visible, among] = found
        return found

    def admitted_rows(
        self, segment: Segment, visible: frozenset[str] | None, among: Among
    ) -> Mask | None:
        """Return the mask of a delta segment's rows that may be found; None where all may."""
        shown = None if visible is None else self.visible_rows(segment, visible)
        if among.everything:
            return shown
        rows = among.rows(segment)
        return rows if shown is None else shown & rows

    def visible_rows(self, segment: Segment, visible: frozenset[str]) -> Mask:
        """Return the mask of the segment's rows whose documents carry one of the labels."""
        shown = self._shown.get(visible)
        if shown is None:
            sets = self.label_sets.items()
            keys = [key for key, labels in sets if not visible.isdisjoint(labels)]
            shown = np.array(keys, dtype=np.int32)
            if len(self._shown) < _REMEMBERED:
                self._shown[visible] = shown
        return np.isin(segment.label_sets, shown)


def _merged(delta: list[Segment]) -> list[Segment]:
    """Join from the end while the last is not much smaller: few segments, little copying."""
    while len(delta) > 1 and 2 * len(delta[-1]) >= len(delta[-2]):
        delta[-2:] = [join(delta[-2:])]
    return delta
