"""One pass over the whole log that re-derives the tree from the leaves.

Rule of this file: every stored thing is compared with what the leaves lead to, and one damage is
named once. Where a leaf and its stored hash disagree the walk goes on with the stored hash, so
that the subtrees above are judged by their own children. Runs in which nothing is wrong are
confirmed at once (node/audit/walk_runs.py); the others are walked leaf by leaf.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson

from node.audit.findings import Findings
from node.audit.run_pool import RunPool
from node.audit.walk_runs import Run
from protocol.merkle import Frontier, leaf_hash, position

AtCheckpoint = Callable[[int, bytes, bytes], None]
"""(tree size, signed note, root that the leaves lead to) for each stored checkpoint."""

AtConfirmed = Callable[[int, bytes], None]
"""(tree size, signed note) for each whose signature and root have been checked already."""

_LEAVES = (
    "SELECT l.idx, l.data, f.at, f.type, f.peer FROM leaves l LEFT JOIN facts f USING (idx) "
    "WHERE l.idx >= ? ORDER BY l.idx"
)
_BEFORE_ALL, _AFTER_ALL = -(2**63), 2**63 - 1


@dataclass
class Walk:
    """The walk's state; iterate ``parts()`` to the end, then read ``frontier``.

    ``frontier`` is the tree that the stored leaf hashes lead to; ``root_of_leaves`` the root that
    the leaves' own bytes lead to (they differ exactly if a leaf was changed).
    """

    connection: sqlite3.Connection
    findings: Findings
    at_checkpoint: AtCheckpoint
    at_confirmed: AtConfirmed
    frontier: Frontier = field(default_factory=Frontier)
    _own: Frontier | None = None  # kept from the first leaf that differs from its stored hash

    def parts(self, pool: RunPool, size: int) -> Iterator[Run | tuple[int, bytes]]:
        """Yield every leaf that is there, comparing on the way: runs, then (index, bytes).

        ``size``: how many leaves there are by their highest index.
        """
        _Checkpoints(self.connection, self.at_checkpoint, _BEFORE_ALL, 0).report(self.frontier)
        for run in pool.runs(size) if self._no_strays() else ():
            if not run.fits(self.frontier):
                break
            for signed in run.signed:
                self.at_confirmed(signed.size, signed.note)
            self.frontier = run.after(self.frontier)
            yield run
        checkpoints = _Checkpoints(self.connection, self.at_checkpoint, self.frontier.size)
        yield from self._one_by_one(checkpoints)
        checkpoints.end()

    def _one_by_one(self, checkpoints: "_Checkpoints") -> Iterator[tuple[int, bytes]]:
        """Walk the rest: what is left of the last run, or all from the run with the damage on."""
        start = self.frontier.size if self._no_strays() else _BEFORE_ALL
        nodes = _Nodes(self.connection, self.findings, start)
        for index, data, *facts in self.connection.execute(_LEAVES, (start,)):
            while self.frontier.size < index:
                self.findings.add("leaf-missing", "the leaf is missing", self.frontier.size)
                self._grow(nodes, None)
                checkpoints.report(self.frontier)
            self._compare_facts(index, data, facts)
            self._grow(nodes, data)
            checkpoints.report(self.frontier)
            yield index, data
        nodes.expect_end()

    def _no_strays(self) -> bool:
        """Whether nothing stands before the first leaf and its hash, where nothing can."""
        found = self.connection.execute(
            "SELECT EXISTS (SELECT 1 FROM leaves WHERE idx < 0) "
            "OR EXISTS (SELECT 1 FROM nodes WHERE position < 0)"
        )
        return not found.fetchone()[0]

    @property
    def root_of_leaves(self) -> bytes:
        """The root that the leaves' bytes lead to."""
        return (self._own or self.frontier).root()

    def _grow(self, nodes: "_Nodes", data: bytes | None) -> None:
        index = self.frontier.size
        stored = nodes.leaf_hash(index)
        own = leaf_hash(data) if data is not None else stored or b""
        if data is not None and stored is not None and own != stored:
            self.findings.add("leaf-changed", "the leaf does not have its stored hash", index)
        if self._own is None and stored is not None and own != stored:
            self._own = self.frontier.copy()
        if self._own is not None:
            self._own.append(own)
        for node in self.frontier.append(stored or own)[1:]:
            nodes.compare(node.level, node.index, node.hash)

    def _compare_facts(self, index: int, data: bytes, facts: list[object]) -> None:
        try:
            leaf = orjson.loads(data)
            stated = [leaf.get("at"), leaf.get("type"), leaf.get("peer")]
        except (orjson.JSONDecodeError, AttributeError):
            self.findings.add("leaf-malformed", "the leaf is not a JSON object", index)
            return
        if facts[0] is None or stated != facts:
            self.findings.add("facts-differ", "the search table contradicts the leaf", index)


class _Checkpoints:
    """Stored checkpoints, each told when the tree has its size."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        told: AtCheckpoint,
        above: int,
        up_to: int = _AFTER_ALL,
    ) -> None:
        """``above``, ``up_to``: the sizes between which they are."""
        self._rows = connection.execute(
            "SELECT size, note FROM checkpoints WHERE size > ? AND size <= ? ORDER BY size",
            (above, up_to),
        )
        self._told = told
        self._next: tuple[int, bytes] | None = self._rows.fetchone()

    def report(self, frontier: Frontier) -> None:
        """Tell of the one of this tree's size, if there is one, and of any of no tree's size."""
        while self._next is not None and self._next[0] <= frontier.size:
            self._told(*self._next, frontier.root() if self._next[0] == frontier.size else b"")
            self._next = self._rows.fetchone()

    def end(self) -> None:
        """Tell of those of larger trees, whose root nobody knows."""
        while self._next is not None:
            self._told(*self._next, b"")
            self._next = self._rows.fetchone()


class _Nodes:
    """The stored subtree hashes, read in the order in which the tree grew."""

    def __init__(self, connection: sqlite3.Connection, findings: Findings, start: int) -> None:
        """``start``: the leaf from whose hash on they are read."""
        self._rows = connection.execute(
            "SELECT position, hash FROM nodes WHERE position >= ? ORDER BY position",
            (position(0, start) if start >= 0 else start,),
        )
        self._next = self._rows.fetchone()
        self._findings = findings

    def leaf_hash(self, index: int) -> bytes | None:
        """Take the stored hash of leaf ``index``, ``None`` (and a finding) if it is missing."""
        return self._take(0, index)

    def compare(self, level: int, index: int, expected: bytes) -> None:
        """Compare a stored subtree hash with the hash of its children."""
        stored = self._take(level, index)
        if stored is not None and stored != expected:
            self._findings.add("node-changed", f"subtree {level}/{index} has another hash")

    def expect_end(self) -> None:
        """Nothing may follow the last leaf's subtrees."""
        if self._next is not None:
            self._findings.add("node-extra", f"subtree hashes follow at position {self._next[0]}")

    def _take(self, level: int, index: int) -> bytes | None:
        place = position(level, index)
        while self._next is not None and self._next[0] < place:
            self._findings.add("node-extra", f"a hash at the impossible position {self._next[0]}")
            self._next = self._rows.fetchone()
        if self._next is None or self._next[0] != place:
            self._findings.add("node-missing", f"subtree {level}/{index} has no stored hash")
            return None
        found = bytes(self._next[1])
        self._next = self._rows.fetchone()
        return found
