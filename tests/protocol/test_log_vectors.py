"""tests/vectors/log.json: each case reaches the outcome that is written there."""

import base64
import json
from typing import Any

import pytest

from protocol.checkpoint import open_checkpoint
from protocol.leaf import decode_leaf
from protocol.log_errors import LogMaterialError
from protocol.log_keys import LogKeys, SizeRange
from protocol.merkle import Frontier, leaf_hash, verify_consistency
from protocol.note import VerifierKey
from protocol.tlog_proof import verify_receipt
from tests.vectors.log_vectors import FILE, written

VECTORS: dict[str, Any] = json.loads(FILE.read_text())


def outcome(check: Any, *arguments: Any) -> str:
    try:
        check(*arguments)
    except LogMaterialError as error:
        return error.reason
    return "accepted"


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


def test_the_file_is_what_its_generator_writes() -> None:
    assert FILE.read_text() == written()


@pytest.mark.parametrize("case", VECTORS["leaves"], ids=named)
def test_leaves(case: dict[str, Any]) -> None:
    raw = base64.b64decode(case["leaf"])
    assert outcome(decode_leaf, raw) == case["outcome"]
    if "hash" in case:
        assert leaf_hash(raw).hex() == case["hash"]


def test_roots() -> None:
    accepted = [case for case in VECTORS["leaves"] if case["outcome"] == "accepted"]
    frontier = Frontier()
    roots = [frontier.root().hex()]
    for case in accepted:
        frontier.append(bytes.fromhex(case["hash"]))
        roots.append(frontier.root().hex())
    assert roots == VECTORS["roots"]


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=named)
def test_consistency(case: dict[str, Any]) -> None:
    roots = bytes.fromhex(case["old_root"]), bytes.fromhex(case["new_root"])
    proof = [bytes.fromhex(h) for h in case["proof"]]
    assert outcome(verify_consistency, case["old"], case["new"], *roots, proof) == case["outcome"]


@pytest.mark.parametrize("case", VECTORS["receipts"], ids=named)
def test_receipts(case: dict[str, Any]) -> None:
    leaf, proof = base64.b64decode(case["leaf"]), base64.b64decode(case["proof"])
    key = VerifierKey.parse(VECTORS["verifier_key"])
    assert outcome(verify_receipt, leaf, proof, key, VECTORS["origin"]) == case["outcome"]


@pytest.mark.parametrize("case", VECTORS["keys"], ids=named)
def test_keys(case: dict[str, Any]) -> None:
    ranges = {
        VerifierKey.parse(term["verifier_key"]): SizeRange(
            term["from_size"], term.get("until_size")
        )
        for term in case["terms"]
    }
    keys = LogKeys(VECTORS["origin"], ranges)
    note = base64.b64decode(case["note"])
    assert outcome(open_checkpoint, note, VECTORS["origin"], keys) == case["outcome"]
