"""The tree of a bundle, grown again from its pieces: leaves in clear, and hashes of all others.

Rule of this file: a leaf is given out only where the bundle's places and filter put it; what its
bytes prove is known at the end, when the tree's root is compared with the signed one. Every leaf of
the part counts in the root by itself, so none can be missing, added, moved or changed.
"""

from collections.abc import Collection, Iterator

from protocol.bundle import BundleReader, Piece, Place, places
from protocol.export_filter import ExportFilter
from protocol.leaf import AnyLeaf, decode_leaf
from protocol.log_errors import BundleFilter, MalformedBundle
from protocol.merkle import Frontier, leaf_hash


class BundleTree:
    """Grows the tree; iterate ``leaves()`` to its end, then read the other attributes.

    ``clear`` and ``hidden`` count the leaves of the part; ``roots`` holds the root at each of the
    sizes in ``wanted`` at which the pieces meet.
    """

    def __init__(self, reader: BundleReader, size: int, wanted: Collection[int] = ()) -> None:
        self.clear = self.hidden = 0
        self.roots: dict[int, bytes] = {}
        self._reader, self._size, self._wanted = reader, size, wanted
        self._frontier = Frontier()
        self._filter = ExportFilter(reader.head.export)

    @property
    def root(self) -> bytes:
        """The root that the pieces lead to."""
        return self._frontier.root()

    def leaves(self) -> Iterator[tuple[int, AnyLeaf, Piece]]:
        """Yield (index, leaf, its piece) of each leaf in clear, the export leaf among them.

        Raises a BundleRefused, or MalformedLeaf.
        """
        head, pieces = self._reader.head, self._reader.pieces()
        self._note_root()
        for place in places(head.index, head.export, self._size):
            if place.export:
                raw = head.export.encode()
                yield place.index, head.export, Piece("leaf", raw)
                self._grow(place, leaf_hash(raw))
                continue
            piece = next(pieces, None)
            if piece is None:
                raise MalformedBundle("pieces of the tree are missing")
            if piece.kind == "leaf":
                yield place.index, self._in_clear(place, piece), piece
                self._grow(place, leaf_hash(piece.data))
            else:
                self._hash(place, piece)
        if next(pieces, None) is not None:
            raise MalformedBundle("there are more pieces than the tree has")

    def _in_clear(self, place: Place, piece: Piece) -> AnyLeaf:
        if not place.part:
            raise MalformedBundle("a leaf stands in clear outside of the exported part")
        leaf = decode_leaf(piece.data)
        if piece.receipt is not None and getattr(leaf, "receipt", None) is None:
            raise MalformedBundle("a receipt stands behind a leaf that names none")
        self.clear += 1
        if not self._filter.admits(leaf):
            raise BundleFilter(f"leaf {place.index} is in clear, and the filter leaves it out")
        return leaf

    def _hash(self, place: Place, piece: Piece) -> None:
        if (piece.kind == "hash") != place.part:
            raise MalformedBundle("the hash of a leaf stands for a subtree, or the other way round")
        if place.part:
            self.hidden += 1
            if not self._reader.head.export.filtered:
                raise BundleFilter(f"leaf {place.index} is left out, and there is no filter")
        self._grow(place, piece.data)

    def _grow(self, place: Place, hash_: bytes) -> None:
        self._frontier.append_subtree(place.level, hash_)
        self._note_root()

    def _note_root(self) -> None:
        if self._frontier.size in self._wanted:
            self.roots[self._frontier.size] = self._frontier.root()
