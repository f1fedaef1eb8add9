"""The tree against the published eight-leaf vectors, RFC 6962's recursion, and every mutation."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.log_errors import ProofMismatch
from protocol.merkle import (
    EMPTY_ROOT,
    Frontier,
    complete_subtrees,
    consistency_proof,
    inclusion_proof,
    inclusion_proofs,
    leaf_hash,
    node_hash,
    position,
    root,
    verify_consistency,
    verify_inclusion,
)

# Certificate Transparency's reference tree: inputs and roots as published with RFC 6962's tests.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = 70


class StoredTree:
    """A tree kept as the appended list of node hashes that ``position`` addresses."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = [leaf_hash(leaf) for leaf in leaves]
        self.nodes: list[bytes] = []
        self.roots = [EMPTY_ROOT]
        frontier = Frontier()
        for hash_of_leaf in self.leaves:
            for node in frontier.append(hash_of_leaf):
                assert position(node.level, node.index) == len(self.nodes)
                self.nodes.append(node.hash)
            self.roots.append(frontier.root())

    def hash_at(self, level: int, index: int) -> bytes:
        return self.nodes[position(level, index)]


TREE = StoredTree([str(number).encode() for number in range(SIZES)])


def reference_root(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 defines it, recursively."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(reference_root(hashes[:split]), reference_root(hashes[split:]))


def reference_path(index: int, hashes: list[bytes]) -> list[bytes]:
    """PATH as RFC 6962 section 2.1.1 defines it, recursively."""
    if len(hashes) == 1:
        return []
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if index < split:
        return [*reference_path(index, hashes[:split]), reference_root(hashes[split:])]
    return [*reference_path(index - split, hashes[split:]), reference_root(hashes[:split])]


def reference_consistency(old: int, hashes: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF as RFC 6962 section 2.1.2 defines it, recursively."""
    if old == len(hashes):
        return [] if whole else [reference_root(hashes)]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if old <= split:
        return [*reference_consistency(old, hashes[:split], whole), reference_root(hashes[split:])]
    rest = reference_consistency(old - split, hashes[split:], False)
    return [*rest, reference_root(hashes[:split])]


def test_the_published_roots_are_reproduced() -> None:
    tree = StoredTree(INPUTS)
    assert [r.hex() for r in tree.roots] == ROOTS
    assert [root(size, tree.hash_at).hex() for size in range(9)] == ROOTS


@given(
    st.integers(1, SIZES).flatmap(
        lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))
    )
)
def test_paths_of_several_leaves_are_those_of_each(drawn: tuple[int, set[int]]) -> None:
    size, indexes = drawn[0], sorted(drawn[1])
    hash_at = StoredTree([bytes([n]) for n in range(size)]).hash_at
    assert inclusion_proofs(indexes, size, hash_at) == [
        inclusion_proof(index, size, hash_at) for index in indexes
    ]


def test_there_is_no_path_of_a_leaf_beyond_the_tree() -> None:
    with pytest.raises(ValueError, match="in a tree of 8 leaves"):
        inclusion_proofs([7, 8], 8, StoredTree(INPUTS).hash_at)


def test_published_paths_are_reproduced() -> None:
    tree = StoredTree(INPUTS)
    assert [h.hex()[:8] for h in inclusion_proof(0, 8, tree.hash_at)] == [
        "96a296d2",
        "5f083f0a",
        "6b47aaf2",
    ]
    assert [h.hex()[:8] for h in inclusion_proof(5, 8, tree.hash_at)] == [
        "bc1a0643",
        "ca854ea1",
        "d37ee418",
    ]
    assert [h.hex()[:8] for h in consistency_proof(6, 8, tree.hash_at)] == [
        "0ebc5d34",
        "ca854ea1",
        "d37ee418",
    ]


@pytest.mark.parametrize("size", range(SIZES + 1))
def test_every_inclusion_proof_is_the_rfcs_and_verifies(size: int) -> None:
    hashes = TREE.leaves[:size]
    assert TREE.roots[size] == reference_root(hashes)
    for index in range(size):
        proof = inclusion_proof(index, size, TREE.hash_at)
        assert proof == reference_path(index, hashes)
        verify_inclusion(index, size, hashes[index], proof, TREE.roots[size])


@pytest.mark.parametrize("new", range(1, SIZES + 1))
def test_every_consistency_proof_is_the_rfcs_and_verifies(new: int) -> None:
    for old in range(1, new + 1):
        proof = consistency_proof(old, new, TREE.hash_at)
        assert proof == reference_consistency(old, TREE.leaves[:new])
        verify_consistency(old, new, TREE.roots[old], TREE.roots[new], proof)


def flip(data: bytes, bit: int) -> bytes:
    byte = bit // 8 % len(data)
    return data[:byte] + bytes([data[byte] ^ 1 << bit % 8]) + data[byte + 1 :]


def mutations(proof: list[bytes], bit: int, place: int) -> list[list[bytes]]:
    changed = [[*proof, proof[0] if proof else EMPTY_ROOT], [EMPTY_ROOT, *proof]]
    if proof:
        at = place % len(proof)
        changed.append(proof[:at] + proof[at + 1 :])
        changed.append([*proof[:at], flip(proof[at], bit), *proof[at + 1 :]])
        changed.append([*proof[:at], proof[at][:-1], *proof[at + 1 :]])
    if len(proof) > 1:
        changed.append(proof[::-1])
    return changed


@given(st.data())
def test_a_changed_inclusion_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, SIZES))
    index = data.draw(st.integers(0, size - 1))
    bit, place = data.draw(st.integers(0, 255)), data.draw(st.integers(0, 8))
    proof = inclusion_proof(index, size, TREE.hash_at)
    leaf, top = TREE.leaves[index], TREE.roots[size]
    cases = [(index, size, leaf, changed, top) for changed in mutations(proof, bit, place)]
    cases += [
        (index, size, flip(leaf, bit), proof, top),
        (index, size, leaf, proof, flip(top, bit)),
    ]
    cases += [(other, size, leaf, proof, top) for other in range(-1, size + 1) if other != index]
    for case in cases:
        with pytest.raises(ProofMismatch):
            verify_inclusion(*case)


@given(st.data())
def test_a_changed_consistency_proof_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, SIZES))
    old = data.draw(st.integers(1, new - 1))
    bit, place = data.draw(st.integers(0, 255)), data.draw(st.integers(0, 8))
    proof = consistency_proof(old, new, TREE.hash_at)
    before, after = TREE.roots[old], TREE.roots[new]
    cases = [(old, new, before, after, changed) for changed in mutations(proof, bit, place)]
    cases += [
        (old, new, flip(before, bit), after, proof),
        (old, new, before, flip(after, bit), proof),
    ]
    cases += [(new, old, after, before, proof), (old, new, after, before, proof)]
    for case in cases:
        with pytest.raises(ProofMismatch):
            verify_consistency(*case)


def test_an_empty_older_tree_proves_nothing() -> None:
    with pytest.raises(ProofMismatch):
        verify_consistency(0, 5, EMPTY_ROOT, TREE.roots[5], [])
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    with pytest.raises(ProofMismatch):
        verify_consistency(0, 0, TREE.roots[1], TREE.roots[1], [])


def test_a_frontier_loads_from_its_stored_tree_and_grows_on() -> None:
    for size in range(SIZES):
        frontier = Frontier.load(size, TREE.hash_at)
        kept = frontier.copy()
        frontier.append(TREE.leaves[size])
        assert frontier.root() == TREE.roots[size + 1]
        assert kept.root() == TREE.roots[size]


def test_questions_outside_the_tree_are_the_callers_error() -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_proof(5, 5, TREE.hash_at)
    with pytest.raises(ValueError, match="no consistency"):
        consistency_proof(6, 5, TREE.hash_at)
    with pytest.raises(ValueError, match="subtrees on their edge"):
        Frontier(3, [EMPTY_ROOT])


@given(st.integers(0, SIZES), st.integers(0, SIZES), st.integers(0, SIZES))
def test_a_tree_grows_from_its_complete_subtrees_as_from_its_leaves(a: int, b: int, c: int) -> None:
    first, second, size = sorted((a, b, c))
    frontier = Frontier()
    for start, end in ((0, first), (first, second), (second, size)):
        for level, index in complete_subtrees(start, end):
            frontier.append_subtree(level, TREE.hash_at(level, index))
        assert (frontier.size, frontier.root()) == (end, TREE.roots[end])


def test_a_subtree_stands_only_where_it_is_complete() -> None:
    frontier = Frontier()
    frontier.append(TREE.hash_at(0, 0))
    with pytest.raises(ValueError, match="no subtree of 2 leaves starts at leaf 1"):
        frontier.append_subtree(1, TREE.hash_at(1, 1))
