"""Tiles of the tree and bundles of its entries, as C2SP tlog-tiles names and writes them.

    tile/<L>/<N>[.p/<W>]         W hashes of complete subtrees of 256^L leaves, from number 256 N on
    tile/entries/<N>[.p/<W>]     W leaves from 256 N on, each after its length (uint16, big-endian)

N is written in groups of three digits, all but the last one behind an ``x``: 1234067 is
``x001/x234/067``. W, 1 to 255, is only written where it is not 256.

Rule of this file: a path has one spelling, and a resource never changes. A tile of which the tree
has not all hashes yet is not there: partial ones exist for each width that the tree has reached.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from protocol.limits import MAX_TREE_SIZE

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_TILE_LEVEL = 63
ENTRIES = "entries"

_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True)
class Tile:
    """``width`` nodes of the tree from number ``256 * index`` on, ``8 * level`` above the leaves.

    ``level`` is None for a bundle of entries, whose place is that of a tile of level 0.
    """

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return its place below the log's prefix."""
        groups = f"{self.index:0{3 * -(-len(str(self.index)) // 3)}d}"
        parts = [groups[at : at + 3] for at in range(0, len(groups), 3)]
        place = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{ENTRIES if self.level is None else self.level}/{place}{partial}"

    @property
    def first(self) -> int:
        """Return the number of its first node, among those of its level."""
        return self.index * WIDTH

    def is_in(self, size: int) -> bool:
        """Tell whether a tree of ``size`` leaves has all of its nodes."""
        return self.first + self.width <= size >> (HEIGHT * (self.level or 0))

    def nodes(self) -> list[tuple[int, int]]:
        """Return (level, index) of each node of a tile of hashes (``protocol.merkle``)."""
        level = HEIGHT * (self.level or 0)
        return [(level, self.first + n) for n in range(self.width)]


def parse_path(path: str) -> Tile | None:
    """Read a place below the log's prefix; None for any that no log has."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level, index, width = found.groups()
    tile = Tile(
        None if level == ENTRIES else int(level),
        int(index.replace("/", "").replace("x", "")),
        WIDTH if width is None else int(width),
    )
    sound = (tile.level or 0) <= MAX_TILE_LEVEL and tile.first <= MAX_TREE_SIZE
    return tile if sound and tile.path == path else None


def encode_entries(leaves: Iterable[bytes]) -> bytes:
    """Return a bundle of entries."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
