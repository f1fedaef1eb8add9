"""The tree as it will be once a batch has committed: grown in memory, thrown away on failure.

Rule of this file: only hashes that the batch itself made, or that stood on the tree's edge before
it, are needed to prove the batch's leaves; so a receipt costs no read.
"""

from keys.signer import Signer
from node.audit.tree_rows import Head, NewLeaf, Tree, prove
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.leaf import Leaf
from protocol.merkle import Frontier, Node, leaf_hash


class Growth:
    """One batch on top of a committed tree."""

    def __init__(self, committed: Frontier) -> None:
        self._frontier = committed.copy()
        self._known = {(node.level, node.index): node.hash for node in self._frontier.nodes()}
        self.leaves: list[NewLeaf] = []
        self.nodes: list[Node] = []

    @property
    def next_index(self) -> int:
        """The index that the next leaf will have."""
        return self._frontier.size

    def add(self, leaf: Leaf, raw: bytes) -> None:
        """Put one more leaf at the end."""
        self.leaves.append(NewLeaf(self._frontier.size, leaf, raw))
        for node in self._frontier.append(leaf_hash(raw)):
            self._known[node.level, node.index] = node.hash
            self.nodes.append(node)

    def seal(self, origin: str, *signers: Signer) -> Tree:
        """Sign the checkpoint over all leaves; it is shown to nobody before it is durable."""
        checkpoint = Checkpoint(origin, self._frontier.size, self._frontier.root())
        return Tree(self._frontier, Head(sign_checkpoint(checkpoint, *signers), checkpoint))

    def prove(self, index: int, head: Head) -> bytes:
        """Return the tlog-proof of one of the batch's leaves."""
        return prove(index, head, lambda level, place: self._known[level, place])
