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
from protocol.checkpoint import Checkpoint
from protocol.log_errors import LogMaterialError
from protocol.merkle import EMPTY_ROOT, Frontier, node_hash, position

RUN_LEVEL = 10
RUN = 1 << RUN_LEVEL
"""Leaves in a run; a run begins at a multiple of it, so it is a complete subtree."""


Judge = Callable[[int, list[bytes]], Judged | None]
"""(index of the first leaf, the run's leaves) -> what they say, None if anything in it is wrong."""

Opened = Callable[[bytes], Checkpoint]
"""A signed note -> the log's checkpoint that it is; raises a LogMaterialError for anything else."""


@dataclass(frozen=True)
class Signed:
    """A stored checkpoint of ``size`` leaves, opened: its note, and the root that it signs.

    ``inside`` leads to the root of the leaves: it is the hash over those of the run up to ``size``.
    """

    size: int
    note: bytes
    root: bytes
    inside: bytes


@dataclass(frozen=True)
class Run:
    """A run that is as it should be: the hash over it, what is signed of it, what its leaves say.

    ``above`` are the stored hashes of the larger subtrees that it completes, and ``signed`` the
    checkpoints from its first leaf to its end: both can only be judged by what stands before it.
    ``key_leaves``: those with which a log key may have taken over.
    """

    first: int
    hash: bytes
    above: list[bytes]
    signed: list[Signed]
    key_leaves: list[tuple[int, bytes]]
    judged: Judged | None

    def fits(self, before: Frontier) -> bool:
        """Whether all that is stored above it and signed of it follows from what is below.

        ``before`` ends where the run begins.
        """
        grown = before.copy().append_subtree(RUN_LEVEL, self.hash)
        return [node.hash for node in grown[1:]] == self.above and all(
            before.root_with(each.inside) == each.root for each in self.signed
        )

    def after(self, before: Frontier) -> Frontier:
        """Return the tree with this run at its end; ``before`` ends where the run begins."""
        grown = before.copy()
        grown.append_subtree(RUN_LEVEL, self.hash)
        return grown


@dataclass(frozen=True)
class RunReader:
    """Reads runs of an open log; ``judge`` None: only hashes, facts and checkpoints count."""

    connection: sqlite3.Connection
    opened: Opened
    judge: Judge | None

    def read(self, first: int) -> Run | None:
        """Return the run that begins at leaf ``first``, None unless all inside of it is confirmed.

        Confirmed are: all its leaves are there, their facts say what they say, every stored subtree
        hash inside of the run is the hash of what is below it, and the log's keys signed its
        checkpoints; and, where there is one, what ``judge`` looks at.
        """
        data = leaves_of_run(self.connection, first)
        if len(data) < RUN or not _facts_agree(self.connection, (first, first + RUN), data):
            return None
        levels = _levels(data)
        above, signed = self._above(first, levels), self._signed(first, levels)
        if above is None or signed is None:
            return None
        judged = self.judge(first, data) if self.judge is not None else None
        if self.judge is not None and judged is None:
            return None
        key_leaves = [(index, leaf) for index, leaf in enumerate(data, first) if KEY_MARK in leaf]
        return Run(first, levels[-1][0], above, signed, key_leaves, judged)

    def _above(self, first: int, levels: list[list[bytes]]) -> list[bytes] | None:
        """Return the stored hashes above the run; None where one inside of it differs."""
        flat = [hash_ for level in levels for hash_ in level]
        rows = self.connection.execute(
            "SELECT hash FROM nodes WHERE position >= ? AND position < ? ORDER BY position",
            (position(0, first), position(0, first + RUN)),
        )
        stored = [row[0] for row in rows]
        if stored[: len(flat)] != [flat[place] for place in _order()]:
            return None
        return stored[len(flat) :]

    def _signed(self, first: int, levels: list[list[bytes]]) -> list[Signed] | None:
        """Return the checkpoints of trees that end in the run; None where one does not open."""
        rows = self.connection.execute(
            "SELECT size, note FROM checkpoints WHERE size > ? AND size <= ? ORDER BY size",
            (first, first + RUN),
        )
        found = []
        for size, note in rows:
            try:
                checkpoint = self.opened(note)
            except LogMaterialError:
                return None
            if checkpoint.size != size:
                return None
            found.append(Signed(size, note, checkpoint.root, _inside(levels, size - first)))
        return found


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


def _inside(levels: list[list[bytes]], leaves: int) -> bytes:
    """Return the hash over the first ``leaves`` of a run, as the tree of that size has it."""
    current = None
    for level, hashes in enumerate(levels):
        if leaves >> level & 1:
            left = hashes[(leaves >> level) - 1]
            current = left if current is None else node_hash(left, current)
    return current or EMPTY_ROOT


@cache
def _order() -> list[int]:
    """Where in the levels, one after the other, the hash of each position of a run stands.

    Positions within a run are those of the tree, less the position of its first leaf: the index of
    that leaf has no bit in common with those of places in the run.
    """
    places = [(level, at) for level in range(RUN_LEVEL + 1) for at in range(RUN >> level)]
    return sorted(range(len(places)), key=lambda n: position(*places[n]))
