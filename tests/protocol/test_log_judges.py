"""Two independent implementations judge our tree, notes, checkpoints and proofs.

``metamorphic-log`` (Rust) verifies C2SP notes, checkpoints and RFC 6962 proofs; ``pymerkle``
(Python) grows its own trees. Both come from the package registry with the test extra. A third, of
Go, judges tiles too (test_go_judge.py).
"""

import pytest

from keys.signer import SeedSigner
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.cosignature import cosign, with_cosignatures
from protocol.merkle import Frontier, consistency_proof, inclusion_proof
from protocol.note import VerifierKey, sign_note
from protocol.tiles import Tile
from tests.protocol.test_merkle import SIZES, TREE, StoredTree

ORIGIN = "clinic.example/interlingua"
SIGNER = SeedSigner.from_seed(bytes(range(32)))
VKEY = str(VerifierKey(ORIGIN, SIGNER.public))
OTHER = str(VerifierKey(ORIGIN, SeedSigner.from_seed(bytes(32)).public))

metamorphic = pytest.importorskip(
    "metamorphic_log", reason="metamorphic-log has no wheel for this platform"
)
pymerkle = pytest.importorskip("pymerkle", reason="pymerkle is not installed: use the test extra")


def checkpoint(size: int) -> str:
    return sign_checkpoint(Checkpoint(ORIGIN, size, TREE.roots[size]), SIGNER).decode()


def test_the_rust_judge_verifies_our_notes() -> None:
    note = sign_note("any text\nof two lines — è\n", ORIGIN, SIGNER).decode()
    assert metamorphic.verify_signed_note(note, [VKEY]) == 1
    with pytest.raises(metamorphic.VerifyError):
        metamorphic.verify_signed_note(note.replace("any", "all"), [VKEY])
    with pytest.raises(metamorphic.VerifyError):
        metamorphic.verify_signed_note(note, [OTHER])


def test_the_rust_judge_takes_a_cosigned_checkpoint_for_what_the_log_signed() -> None:
    """It knows no cosignatures, and passes over them as C2SP asks (the Go judge checks them)."""
    witness = SeedSigner.from_seed(bytes([41]) * 32)
    text = Checkpoint(ORIGIN, 8, TREE.roots[8]).text()
    line = cosign(text, "lab.example/witness", witness, 1_790_000_000)
    cosigned = with_cosignatures(checkpoint(8).encode(), [line]).decode()
    assert metamorphic.checkpoint_verify(cosigned, [VKEY]).size == 8


@pytest.mark.parametrize("size", [1, 2, 3, 8, 33, 70])
def test_the_rust_judge_verifies_our_checkpoints_and_inclusion_proofs(size: int) -> None:
    head = metamorphic.checkpoint_verify(checkpoint(size), [VKEY])
    assert (head.origin, head.size) == (ORIGIN, size)
    for index in range(size):
        proof = inclusion_proof(index, size, TREE.hash_at)
        metamorphic.checkpoint_verify_inclusion(
            checkpoint(size), [VKEY], index, TREE.leaves[index], proof
        )
        with pytest.raises(metamorphic.VerifyError):
            metamorphic.checkpoint_verify_inclusion(
                checkpoint(size), [VKEY], index, TREE.leaves[index], [*proof, TREE.leaves[0]]
            )


def test_the_rust_judge_follows_a_log_from_one_key_to_the_next() -> None:
    """The origin stays, so a verifier that knows both keys, or one, takes what each has signed."""
    after = SeedSigner.from_seed(bytes([7]) * 32)
    new = str(VerifierKey(ORIGIN, after.public))
    heads = {
        size: sign_checkpoint(Checkpoint(ORIGIN, size, TREE.roots[size]), *signers).decode()
        for size, signers in ((5, [SIGNER]), (8, [SIGNER, after]), (9, [after]))
    }
    for size, known in ((5, [VKEY]), (8, [VKEY]), (8, [new]), (9, [new]), (5, [VKEY, new])):
        assert metamorphic.checkpoint_verify(heads[size], known).size == size
    assert metamorphic.verify_signed_note(heads[8], [VKEY, new]) == 2
    for size, stranger in ((5, new), (9, VKEY)):
        with pytest.raises(metamorphic.VerifyError):
            metamorphic.checkpoint_verify(heads[size], [stranger])
    for older, newer, both in ((5, 8, VKEY), (8, 9, new)):
        proof = consistency_proof(older, newer, TREE.hash_at)
        metamorphic.checkpoint_verify_consistency(heads[older], heads[newer], [both], proof)


def test_the_rust_judge_verifies_our_consistency_proofs() -> None:
    for new in (5, 8, 64, 70):
        for old in range(1, new):
            proof = consistency_proof(old, new, TREE.hash_at)
            metamorphic.checkpoint_verify_consistency(
                checkpoint(old), checkpoint(new), [VKEY], proof
            )


def test_the_python_judge_grows_the_same_trees_and_paths() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for number in range(SIZES):
        tree.append_entry(str(number).encode())
        size = number + 1
        assert tree.get_root() == TREE.roots[size]
        for index in {0, number // 2, number}:
            path = tree.prove_inclusion(index + 1).path
            assert path[0] == TREE.leaves[index]
            assert path[1:] == inclusion_proof(index, size, TREE.hash_at)


def test_the_python_judge_has_the_hashes_of_our_tiles() -> None:
    tree = StoredTree([str(number).encode() for number in range(512)])
    judges = []
    for begins in (0, 256):
        judge = pymerkle.InmemoryTree(algorithm="sha256")
        for number in range(begins, begins + 256):
            judge.append_entry(str(number).encode())
        judges.append(judge)
    for index, judge in enumerate(judges):
        hashes = [tree.hash_at(*node) for node in Tile(0, index).nodes()]
        assert hashes == [judge.get_leaf(n + 1) for n in range(256)]
    assert [tree.hash_at(*node) for node in Tile(1, 0, 2).nodes()] == [
        judge.get_root() for judge in judges
    ]


def test_the_rust_judge_takes_proofs_that_were_made_of_tiles_alone() -> None:
    """The tiles of a tree hold all that its proofs need: no hash comes from anywhere else."""
    size = 600
    tree = StoredTree([str(number).encode() for number in range(size)])
    tiles = {
        (level, index): [tree.hash_at(*node) for node in Tile(level, index, width).nodes()]
        for level, index, width in ((0, 0, 256), (0, 1, 256), (0, 2, 88), (1, 0, 2))
    }

    def hash_at(level: int, index: int) -> bytes:
        height, rest = divmod(level, 8)
        tile, first = divmod(index << rest, 256)
        frontier = Frontier()
        for hash_ in tiles[height, tile][first : first + (1 << rest)]:
            frontier.append(hash_)
        return frontier.root()

    head = sign_checkpoint(Checkpoint(ORIGIN, size, tree.roots[size]), SIGNER).decode()
    for index in (0, 255, 256, 511, 512, 599):
        proof = inclusion_proof(index, size, hash_at)
        metamorphic.checkpoint_verify_inclusion(head, [VKEY], index, tree.leaves[index], proof)
    for old in (1, 256, 300, 512, 599):
        older = sign_checkpoint(Checkpoint(ORIGIN, old, tree.roots[old]), SIGNER).decode()
        proof = consistency_proof(old, size, hash_at)
        metamorphic.checkpoint_verify_consistency(older, head, [VKEY], proof)
