"""Which leaves of an exported part stand in clear.

Rule of this file: the filter is a function of the export leaf and of the leaves in clear before, so
that whoever reads a bundle can apply it again. It can show that a leaf should not be in clear, and
never that one which is hidden should be.
"""

from protocol.event_leaves import Exported
from protocol.leaf import AnyLeaf


class ExportFilter:
    """The filter of one export; leaves are shown to it in the order of the log."""

    def __init__(self, export: Exported) -> None:
        self._export = export
        self._asked: set[str] = set()

    def admits(self, leaf: AnyLeaf) -> bool:
        """Tell whether this leaf is to stand in clear.

        A leaf that names no purpose but belongs to a question that was admitted, as `unanswered`
        does, has that question's.
        """
        told = self._export
        if told.peer is not None and leaf.peer != told.peer:
            return False
        if told.since is not None and leaf.at < told.since:
            return False
        if told.until is not None and leaf.at >= told.until:
            return False
        return told.purpose is None or self._has_purpose(leaf, told.purpose)

    def _has_purpose(self, leaf: AnyLeaf, wanted: str) -> bool:
        own, query = getattr(leaf, "purpose", None), getattr(leaf, "query", None)
        if own is None:
            return query in self._asked
        if own == wanted and query is not None:
            self._asked.add(query)
        return bool(own == wanted)
