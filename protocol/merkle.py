"""The RFC 6962 Merkle tree over SHA-256: hashes, growth, inclusion and consistency proofs.

Rule of this file: nothing is stored. Proofs are computed over ``hash_at(level, index)``, which
gives the hash of the *complete* subtree of ``2**level`` leaves that starts at leaf
``index * 2**level``; verification needs only the numbers and hashes of the proof.

Sources: RFC 6962, section 2.1; verification algorithms RFC 9162, sections 2.1.3.2 and 2.1.4.2;
the linear positions are those of Russ Cox, "Transparent Logs for Skeptical Clients".
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from protocol.limits import MAX_PROOF_HASHES
from protocol.log_errors import ProofMismatch

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()

HashAt = Callable[[int, int], bytes]
_Above = TypeVar("_Above")


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || leaf bytes)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left hash || right hash)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def position(level: int, index: int) -> int:
    """Give the place of a complete subtree's hash in a purely appended list of all of them.

    Each leaf hash is followed by the hashes of the subtrees that it completes, lowest first, so a
    growing tree only ever appends and one integer is the key.
    """
    leaf = ((index + 1) << level) - 1  # the leaf whose arrival completes the subtree
    return 2 * leaf - leaf.bit_count() + level


class Node(NamedTuple):
    """A complete subtree's hash: ``2**level`` leaves from leaf ``index * 2**level`` on."""

    level: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    hash: bytes


class Frontier:
    """The right edge of a growing tree: the complete subtrees that make up its ``size`` leaves."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """``hashes``: the subtrees' hashes from the largest (leftmost) to the smallest."""
        self.size = size
        self._edge = list(hashes)
        if len(self._edge) != size.bit_count():
            raise ValueError(f"{size} leaves have {size.bit_count()} subtrees on their edge")

    @classmethod
    def load(cls, size: int, hash_at: HashAt) -> "Frontier":
        """Read the edge of a stored tree of ``size`` leaves."""
        return cls(size, (hash_at(level, index) for level, index in _edge(0, size)))

    def copy(self) -> "Frontier":
        """Give an independent frontier, so that a failed commit leaves the first untouched."""
        return Frontier(self.size, self._edge)

    def nodes(self) -> list[Node]:
        """Return the subtrees on the edge, largest first."""
        places = zip(_edge(0, self.size), self._edge, strict=True)
        return [Node(level, index, hash_) for (level, index), hash_ in places]

    def append(self, hash_of_leaf: bytes) -> list[Node]:
        """Add a leaf; returns its node and those that it completes, in order of position."""
        return self.append_subtree(0, hash_of_leaf)

    def append_subtree(self, level: int, hash_: bytes) -> list[Node]:
        """Add the hash of ``2**level`` leaves at once; returns nodes as ``append`` does.

        Raises ValueError where a complete subtree of that level cannot stand at the right edge.
        """
        if self.size & ((1 << level) - 1):
            raise ValueError(f"no subtree of {1 << level} leaves starts at leaf {self.size}")
        added, index, current = 1 << level, self.size >> level, hash_
        grown = [Node(level, index, current)]
        while index & 1:
            current = node_hash(self._edge.pop(), current)
            level, index = level + 1, index >> 1
            grown.append(Node(level, index, current))
        self._edge.append(current)
        self.size += added
        return grown

    def root_with(self, last: bytes) -> bytes:
        """Return the root of a tree that goes on with leaves whose own tree hash is ``last``.

        They are no more than the smallest subtree on the edge has.
        """
        return _fold([*self._edge, last])

    def root(self) -> bytes:
        """Return the RFC 6962 tree hash of the leaves so far."""
        return _fold(self._edge) if self._edge else EMPTY_ROOT


def root(size: int, hash_at: HashAt) -> bytes:
    """MTH of the first ``size`` leaves of a stored tree."""
    return Frontier.load(size, hash_at).root()


def complete_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield (level, index) of the fewest complete subtrees that hold the leaves D[start:end].

    From left to right, so that ``Frontier.append_subtree`` takes them one after the other.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


def inclusion_proof(index: int, size: int, hash_at: HashAt) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962, section 2.1.1: sibling of the leaf first."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        level = (end - start - 1).bit_length() - 1
        middle = start + (1 << level)
        if index < middle:
            path.append(_subtree(middle, end, hash_at))
            end = middle
        else:
            path.append(hash_at(level, start >> level))
            start = middle
    return path[::-1]


def inclusion_proofs(indexes: Sequence[int], size: int, hash_at: HashAt) -> list[list[bytes]]:
    """Return the ``inclusion_proof`` of each index, computing what they share once.

    ``indexes`` rise. Raises ValueError as ``inclusion_proof``.
    """
    return along_paths(indexes, size, hash_at, lambda sibling, above: [sibling, *above], [])


def along_paths(
    indexes: Sequence[int],
    size: int,
    hash_at: HashAt,
    step: Callable[[bytes, _Above], _Above],
    top: _Above,
) -> list[_Above]:
    """Return what ``step(sibling, above)`` makes of each index's path, from the root downwards.

    ``top`` is what stands above the root. ``indexes`` rise; what their paths share is made once.
    Raises ValueError as ``inclusion_proof``.
    """
    if indexes and not 0 <= indexes[0] <= indexes[-1] < size:
        raise ValueError(f"no leaf {indexes[0]} or {indexes[-1]} in a tree of {size} leaves")

    def below(within: Sequence[int], start: int, end: int, above: _Above) -> list[_Above]:
        if not within:
            return []
        if end - start == 1:
            return [above] * len(within)
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        cut = bisect_left(within, middle)
        found = []
        if cut:
            beside = step(_subtree(middle, end, hash_at), above)
            found = below(within[:cut], start, middle, beside)
        if cut < len(within):
            beside = step(_subtree(start, middle, hash_at), above)
            found += below(within[cut:], middle, end, beside)
        return found

    return below(indexes, 0, size, top)


def consistency_proof(old: int, new: int, hash_at: HashAt) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962, section 2.1.2; empty if ``old`` is 0 or equals ``new``."""
    if not 0 <= old <= new:
        raise ValueError(f"no consistency from {old} leaves to {new}")
    path: list[bytes] = []
    start, end = 0, new
    while 0 < old < end:
        level = (end - start - 1).bit_length() - 1
        middle = start + (1 << level)
        if old <= middle:
            path.append(_subtree(middle, end, hash_at))
            end = middle
        else:
            path.append(hash_at(level, start >> level))
            start = middle
    if start > 0:  # the old tree's last subtree is not the old root itself: the verifier needs it
        path.append(_subtree(start, end, hash_at))
    return path[::-1]


def verify_inclusion(
    index: int, size: int, hash_of_leaf: bytes, proof: Sequence[bytes], root_hash: bytes
) -> None:
    """Check that the leaf is at ``index`` of the tree; ``ProofMismatch`` otherwise."""
    if not 0 <= index < size:
        raise ProofMismatch(f"leaf {index} cannot be in a tree of {size} leaves")
    path = _checked(proof, hash_of_leaf, root_hash)
    place, last, current = index, size - 1, hash_of_leaf
    for sibling in path:
        if last == 0:
            raise ProofMismatch("the inclusion proof is longer than the tree is high")
        if place & 1 or place == last:
            current = node_hash(sibling, current)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or current != root_hash:
        raise ProofMismatch("the inclusion proof does not lead to the checkpoint's root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the old tree is a prefix of the new one; ``ProofMismatch`` otherwise.

    An empty old tree is a prefix of every tree, so there is nothing to verify: refused unless
    both are empty, as in transparency-dev/merkle's published vectors.
    """
    if old == new:
        if proof or old_root != new_root or (old == 0 and old_root != EMPTY_ROOT):
            raise ProofMismatch("trees of one size have one root and an empty proof")
        return
    path = _checked(proof, old_root, new_root)
    if not 0 < old < new or not proof:
        raise ProofMismatch(f"no consistency proof of {len(proof)} hashes from {old} to {new}")
    if old & (old - 1) == 0:  # a power of two is one subtree, whose hash the proof leaves out
        path = [old_root, *path]
    if _climb_both(old - 1, new - 1, path) != (old_root, new_root):
        raise ProofMismatch("the consistency proof does not connect the two roots")


def first_root(old: int, new: int, new_root: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the root of the first ``old`` leaves of the tree that has ``new_root``, as proved.

    ``proof`` is a consistency proof; where ``old`` is a power of two, with that root in front,
    which such a proof leaves out. ``ProofMismatch`` where it does not lead to ``new_root``. So a
    proof shows what the old tree was, and a root that was signed for it and differs is a fork.
    """
    path = _checked(proof, new_root)
    if not 0 < old < new or not path:
        raise ProofMismatch(f"no proof of {len(path)} hashes leads from {old} leaves to {new}")
    from_old, from_new = _climb_both(old - 1, new - 1, path)
    if from_new != new_root:
        raise ProofMismatch("the proof does not lead to the larger tree's root")
    return from_old


def _climb_both(place: int, last: int, path: list[bytes]) -> tuple[bytes, bytes]:
    while place & 1:
        place, last = place >> 1, last >> 1
    from_old = from_new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofMismatch("the consistency proof is longer than the tree is high")
        if place & 1 or place == last:
            from_old, from_new = node_hash(sibling, from_old), node_hash(sibling, from_new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            from_new = node_hash(from_new, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofMismatch("the consistency proof is shorter than the tree is high")
    return from_old, from_new


def _checked(proof: Sequence[bytes], *ends: bytes) -> list[bytes]:
    if len(proof) > MAX_PROOF_HASHES or any(len(h) != HASH_BYTES for h in (*proof, *ends)):
        raise ProofMismatch("a proof has at most 64 hashes, and all hashes have 32 bytes")
    return list(proof)


def _edge(start: int, end: int) -> list[tuple[int, int]]:
    """Return the complete subtrees of D[start:end], largest first; ``start`` as in the RFC."""
    edge = []
    while start < end:
        level = (end - start).bit_length() - 1
        edge.append((level, start >> level))
        start += 1 << level
    return edge


def _subtree(start: int, end: int, hash_at: HashAt) -> bytes:
    leaves = end - start
    if not leaves & (leaves - 1):  # one complete subtree
        level = leaves.bit_length() - 1
        return hash_at(level, start >> level)
    return _fold([hash_at(level, index) for level, index in _edge(start, end)])


def _fold(edge: Sequence[bytes]) -> bytes:
    current = edge[-1]
    for left in reversed(edge[:-1]):
        current = node_hash(left, current)
    return current
