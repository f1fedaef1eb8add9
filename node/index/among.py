"""Which documents of a collection a search may find at all, besides those that labels make visible.

Three things narrow a search: a filter on metadata, records that a partner may not be told of any
more, and a limit of records that is reached. All of them are sets of document keys, kept sorted.
The index takes them into its mask, so that a narrowed search finds as many documents as there are,
and falls back to scoring all that qualify where those are few.
"""

from dataclasses import dataclass

import numpy as np

from node.index.segment import IntArray, Mask, Segment


@dataclass(frozen=True, slots=True, eq=False)
class Among:
    """Documents `only` these (None: all) and `without` those (None: all); both sorted, (m,)."""

    only: IntArray | None = None
    without: IntArray | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is narrowed."""
        return self.only is None and self.without is None

    def within(self, keys: IntArray | None) -> "Among":
        """Return what is left of this among sorted document keys (None: all of them)."""
        if keys is None:
            return self
        only = keys if self.only is None else np.intersect1d(self.only, keys, assume_unique=True)
        return Among(only, self.without)

    def rows(self, segment: Segment) -> Mask:
        """Return the mask of the segment's rows whose documents may be found."""
        mask = np.ones(len(segment), dtype=np.bool_)
        if self.only is not None:
            mask &= np.isin(segment.documents, self.only)
        if self.without is not None:
            mask &= np.isin(segment.documents, self.without, invert=True)
        return mask


EVERYTHING = Among()
"""A search that nothing narrows."""
