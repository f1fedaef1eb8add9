"""Two independent implementations judge our tree, notes, checkpoints and proofs.

``metamorphic-log`` (Rust) verifies C2SP notes, checkpoints and RFC 6962 proofs; ``pymerkle``
(Python) grows its own trees. Both come from the package registry with the test extra. A third, of
Go, judges tiles too (test_go_judge.py).
"""

import pytest

from keys.signer import SeedSigner
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.merkle import consistency_proof, inclusion_proof
from protocol.note import VerifierKey, sign_note
from tests.protocol.test_merkle import SIZES, TREE

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
