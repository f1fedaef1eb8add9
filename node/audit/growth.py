"""The tree as it will be once a batch has committed: grown in memory, thrown away on failure.

Rule of this file: only hashes that the batch itself made, or that stood on the tree's edge before
it, are needed to prove the batch's leaves; so a receipt costs no read.
"""

from keys.signer import Signer
from node.audit.tree_rows import Head, NewLeaf, Tree
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.leaf import Leaf
from protocol.merkle import Frontier, Node, leaf_hash
from protocol.tlog_proof import encode_proofs


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
        grown = self._frontier.append(leaf_hash(raw))
        self._known.update(((level, index), hash_) for level, index, hash_ in grown)
        self.nodes += grown

    def seal(self, origin: str, *signers: Signer) -> Tree:
        """Sign the checkpoint over all leaves; it is shown to nobody before it is durable."""
        checkpoint = Checkpoint(origin, self._frontier.size, self._frontier.root())
        return Tree(self._frontier, Head(sign_checkpoint(checkpoint, *signers), checkpoint))

    def prove(self, head: Head) -> list[bytes]:
        """Return the tlog-proof of each of the batch's leaves."""
        known, indexes = self._known, [new.index for new in self.leaves]
        return encode_proofs(
            indexes, head.checkpoint.size, lambda level, place: known[level, place], head.note
        )
