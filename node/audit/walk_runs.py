"""Comparing a run of leaves with all that is stored about them at once.

Rule of this file: it says that everything is as it should be, or nothing. What it cannot confirm is
looked at leaf by leaf (node/audit/walk.py), so that each damage gets its name there and this file
needs none. It never believes: it computes every hash of the run from the leaves' own bytes.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256

import orjson

from node.audit.judged import Judged
from node.audit.log_key_check import KEY_MARK
from protocol.merkle import Frontier, position

RUN_LEVEL = 10
RUN = 1 << RUN_LEVEL
"""Leaves in a run; a run begins at a multiple of it, so it is a complete subtree."""


Judge = Callable[[int, list[bytes]], Judged | None]
"""(index of the first leaf, the run's leaves) -> what they say, None if anything in it is wrong."""


@dataclass(frozen=True)
class Run:
    """A run that is as it should be: the subtree hashes over it, and what its leaves say.

    ``levels[n]`` holds the hashes of the run's subtrees of 2**n leaves, from left to right;
    ``above`` are the stored hashes of the larger subtrees that it completes, which only ``fits``
    can judge. ``key_leaves``: those with which a log key may have taken over.
    """

    first: int
    levels: list[list[bytes]]
    above: list[bytes]
    key_leaves: list[tuple[int, bytes]]
    judged: Judged | None

    def fits(self, before: Frontier) -> bool:
        """Whether the subtrees that it completes have the hashes of what is below them.

        ``before`` ends where the run begins.
        """
        grown = before.copy().append_subtree(RUN_LEVEL, self.levels[-1][0])
        return [node.hash for node in grown[1:]] == self.above

    def edge(self, before: Frontier, size: int) -> Frontier:
        """Return the tree of ``size`` leaves: ``before``, which ends where the run begins, grown.

        ``size`` lies in the run, or at its end.
        """
        grown, inside, done = before.copy(), size - self.first, 0
        for level in range(RUN_LEVEL, -1, -1):
            if inside & (1 << level):
                grown.append_subtree(level, self.levels[level][done >> level])
                done += 1 << level
        return grown


def read_run(connection: sqlite3.Connection, first: int, judge: Judge | None) -> Run | None:
    """Return the run that begins at leaf ``first``, None unless all inside of it is confirmed.

    Confirmed are: all its leaves are there, their facts say what they say, and every stored subtree
    hash inside of the run is the hash of what is below it; and, where there is one, what ``judge``
    looks at.
    """
    bounds = (first, first + RUN)
    data = leaves_of_run(connection, first)
    if len(data) < RUN or not _facts_agree(connection, bounds, data):
        return None
    levels = _levels(data)
    flat = [hash_ for level in levels for hash_ in level]
    rows = connection.execute(
        "SELECT hash FROM nodes WHERE position >= ? AND position < ? ORDER BY position",
        (position(0, first), position(0, first + RUN)),
    )
    stored = [row[0] for row in rows]
    if stored[: len(flat)] != [flat[place] for place in _order()]:
        return None
    judged = judge(first, data) if judge is not None else None
    if judge is not None and judged is None:
        return None
    key_leaves = [(index, leaf) for index, leaf in enumerate(data, first) if KEY_MARK in leaf]
    return Run(first, levels, stored[len(flat) :], key_leaves, judged)


def leaves_of_run(connection: sqlite3.Connection, first: int) -> list[bytes]:
    """Return the leaves of the run that begins at ``first``, as far as they are there."""
    rows = connection.execute(
        "SELECT data FROM leaves WHERE idx >= ? AND idx < ? ORDER BY idx", (first, first + RUN)
    )
    return [row[0] for row in rows]


def _facts_agree(
    connection: sqlite3.Connection, bounds: tuple[int, int], data: list[bytes]
) -> bool:
    rows = connection.execute(
        "SELECT at, type, peer FROM facts WHERE idx >= ? AND idx < ? ORDER BY idx", bounds
    ).fetchall()
    return len(rows) == len(data) and all(map(_says, data, rows))


def _says(leaf: bytes, facts: tuple[int, str, str | None]) -> bool:
    """Tell whether a leaf has these members, without reading all of it where that is sure.

    In JSON, a name between quotes and a colon is a member and never part of a text; inside of the
    objects that a leaf holds there are no members of these names.
    """
    at, type_, peer = facts
    named, typed = _members(type_, peer)
    if b'"at":%d,' % at in leaf and typed in leaf and (named in leaf) == (peer is not None):
        return True
    try:
        told = orjson.loads(leaf)
        return (told.get("at"), told.get("type"), told.get("peer")) == facts
    except (orjson.JSONDecodeError, AttributeError):
        return False


@lru_cache(maxsize=4096)
def _members(type_: str, peer: str | None) -> tuple[bytes, bytes]:
    named = b'"peer":"%b"' % peer.encode() if peer is not None else b'"peer":'
    return named, b'"type":"%b"' % type_.encode()


def _levels(data: list[bytes]) -> list[list[bytes]]:
    below = [sha256(b"\x00" + leaf).digest() for leaf in data]
    levels = [below]
    while len(below) > 1:
        pairs = zip(below[::2], below[1::2], strict=True)
        below = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        levels.append(below)
    return levels


@cache
def _order() -> list[int]:
    """Where in the levels, one after the other, the hash of each position of a run stands.

    Positions within a run are those of the tree, less the position of its first leaf: the index of
    that leaf has no bit in common with those of places in the run.
    """
    places = [(level, at) for level in range(RUN_LEVEL + 1) for at in range(RUN >> level)]
    return sorted(range(len(places)), key=lambda n: position(*places[n]))
