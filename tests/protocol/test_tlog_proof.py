"""Receipts: a leaf, a proof and a log's key either agree completely or are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.signer import SeedSigner
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.limits import MAX_PROOF_BYTES
from protocol.log_errors import (
    LogMaterialError,
    MalformedProof,
    ProofMismatch,
    UntrustedNote,
    WrongOrigin,
)
from protocol.merkle import inclusion_proof
from protocol.note import VerifierKey
from protocol.tlog_proof import TlogProof, checkpoint_in, parse_proof, verify_receipt
from tests.protocol.test_merkle import TREE

ORIGIN = "clinic.example/interlingua"
SIGNER = SeedSigner.from_seed(bytes(range(32)))
KEY = VerifierKey(ORIGIN, SIGNER.public)


def receipt(index: int, size: int, extra: bytes | None = None) -> tuple[bytes, bytes]:
    note = sign_checkpoint(Checkpoint(ORIGIN, size, TREE.roots[size]), SIGNER)
    path = tuple(inclusion_proof(index, size, TREE.hash_at))
    return str(index).encode(), TlogProof(index, path, note, extra).encode()


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (4, 5), (11, 70), (69, 70)])
def test_a_receipt_proves_its_leaf(index: int, size: int) -> None:
    leaf, proof = receipt(index, size)
    proved = verify_receipt(leaf, proof, KEY, ORIGIN)
    assert (proved.index, proved.checkpoint.size) == (index, size)


def test_the_form_is_the_specifications() -> None:
    _, proof = receipt(2, 3)
    lines = proof.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 2"]
    assert lines[3:6] == ["", ORIGIN, "3"]
    _, with_extra = receipt(2, 3, b"\x00\x01")
    assert with_extra.decode().split("\n")[1:3] == ["extra AAE=", "index 2"]
    assert parse_proof(with_extra).extra == b"\x00\x01"


def test_the_checkpoint_is_found_in_a_proof_without_parsing_it() -> None:
    for proof in (
        TlogProof(0, (), b"note\n\nlines\n"),
        TlogProof(7, (b"h" * 32,), b"n\n\nl", b"x"),
    ):
        assert checkpoint_in(proof.encode()) == parse_proof(proof.encode()).checkpoint


def test_another_leaf_key_log_or_place_is_refused() -> None:
    leaf, proof = receipt(3, 7)
    with pytest.raises(ProofMismatch):
        verify_receipt(leaf + b"!", proof, KEY, ORIGIN)
    with pytest.raises(ProofMismatch):
        verify_receipt(leaf, proof.replace(b"index 3", b"index 2"), KEY, ORIGIN)
    with pytest.raises(ProofMismatch):
        verify_receipt(leaf, proof.replace(b"index 3", b"index 7"), KEY, ORIGIN)
    with pytest.raises(UntrustedNote):
        verify_receipt(leaf, proof, VerifierKey(ORIGIN, SeedSigner.generate().public), ORIGIN)
    with pytest.raises(WrongOrigin):
        verify_receipt(leaf, proof, KEY, "bank.example/interlingua")


def test_any_changed_or_missing_byte_is_refused() -> None:
    leaf, proof = receipt(3, 7)
    for place in range(len(proof)):
        for bit in (1, 0x20, 0x80):
            changed = proof[:place] + bytes([proof[place] ^ bit]) + proof[place + 1 :]
            with pytest.raises(LogMaterialError):
                verify_receipt(leaf, changed, KEY, ORIGIN)
        with pytest.raises(LogMaterialError):
            verify_receipt(leaf, proof[:place], KEY, ORIGIN)


HASH = b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"c2sp.org/tlog-proof@v1\n",
        b"c2sp.org/tlog-proof@v1\nindex 1\n",
        b"c2sp.org/tlog-proof@v1\nindex 1\n\n",
        b"c2sp.org/tlog-proof@v2\nindex 1\n\nx",
        b"c2sp.org/tlog-proof@v1\r\nindex 1\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 01\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex  1\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\nextra AAE=\n\nx",
        b"c2sp.org/tlog-proof@v1\nextra AAE\nindex 1\n\nx",
        b"c2sp.org/tlog-proof@v1\nextra AAE=\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\n" + HASH + b" \n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\n" + (HASH + b"\n") * 65 + b"\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\n\xff\n\nx",
        b"x" * (MAX_PROOF_BYTES + 1),
    ],
)
def test_another_spelling_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedProof):
        parse_proof(raw)


@given(
    st.binary(max_size=200)
    | st.binary(max_size=40).map(lambda b: b"c2sp.org/tlog-proof@v1\nindex 1\n" + b + b"\n\nx")
)
def test_parsing_gives_the_same_bytes_back_or_one_named_error(raw: bytes) -> None:
    try:
        proof = parse_proof(raw)
    except MalformedProof:
        return
    assert proof.encode() == raw
