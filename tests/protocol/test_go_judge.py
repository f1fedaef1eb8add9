"""Go's sumdb packages judge notes, proofs and tiles: what they read, they got as bytes alone.

The judge is a small program on golang.org/x/mod/sumdb/note and tlog (tests/protocol/go_judge).
``make test`` builds it from Debian's packages where it can (requirements/judges.sh).
"""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keys.signer import SeedSigner
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.cosignature import CosignerKey, cosign, with_cosignatures
from protocol.merkle import consistency_proof, inclusion_proof
from protocol.note import VerifierKey
from protocol.tiles import WIDTH, Tile, encode_entries
from protocol.tlog_proof import TlogProof, parse_proof
from tests.protocol.test_merkle import SIZES, TREE, StoredTree
from tests.vectors.proof_vectors import FILE as PROOFS

JUDGE = Path(sys.prefix) / "bin" / "interlingua-go-judge"
ORIGIN = "clinic.example/interlingua"
SIGNER = SeedSigner.from_seed(bytes(range(32)))
AFTER = SeedSigner.from_seed(bytes([7]) * 32)
VKEY = str(VerifierKey(ORIGIN, SIGNER.public))
NEXT = str(VerifierKey(ORIGIN, AFTER.public))

Judge = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Give it cases by kind; it says of each name `accepted` or what is wrong."""
    if not JUDGE.exists():
        pytest.skip("the Go judge is not built: requirements/judges.sh VENV says what is missing")

    def ask(**cases: list[dict[str, Any]]) -> dict[str, str]:
        done = subprocess.run(
            [JUDGE], input=json.dumps(cases, default=spell), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        said: dict[str, str] = json.loads(done.stdout)
        assert len(said) == sum(map(len, cases.values()))
        return said

    return ask


def spell(raw: object) -> str:
    assert isinstance(raw, bytes)
    return base64.b64encode(raw).decode("ascii")


def accepted(said: dict[str, str]) -> set[str]:
    return {name for name, word in said.items() if word == "accepted"}


def head(size: int, *signers: SeedSigner, tree: StoredTree = TREE) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, tree.roots[size]), *(signers or (SIGNER,)))


def test_the_go_judge_verifies_our_checkpoints(judge: Judge) -> None:
    both, forged = head(8, SIGNER, AFTER), head(8).replace(b"\n8\n", b"\n9\n")
    said = judge(
        notes=[
            {"name": "ours", "note": head(8), "keys": [VKEY]},
            {"name": "two keys", "note": both, "keys": [VKEY, NEXT]},
            {"name": "one of them", "note": both, "keys": [NEXT]},
            {"name": "another key", "note": head(8), "keys": [NEXT]},
            {"name": "another size", "note": forged, "keys": [VKEY]},
        ]
    )
    assert accepted(said) == {"ours", "two keys", "one of them"}


def test_the_go_judge_verifies_our_cosignatures(judge: Judge) -> None:
    """Notes are read and signatures checked by Go's packages; what is signed is the judge's own."""
    text = Checkpoint(ORIGIN, 8, TREE.roots[8]).text()
    witnesses = [SeedSigner.from_seed(bytes([n]) * 32) for n in (41, 42)]
    names = ["lab.example/witness", "bank.example/witness"]
    keys = [
        str(CosignerKey(name, signer.public)) for name, signer in zip(names, witnesses, strict=True)
    ]
    lines = [
        cosign(text, name, signer, 1_790_000_000 + n)
        for n, (name, signer) in enumerate(zip(names, witnesses, strict=True))
    ]
    cosigned = with_cosignatures(head(8), lines)
    other = with_cosignatures(head(9), lines)
    late = replace(lines[0], signature=b"\1" + lines[0].signature[1:])
    said = judge(
        notes=[
            {"name": "the log", "note": cosigned, "keys": [VKEY]},
            {"name": "one witness", "note": cosigned, "keys": [keys[0]]},
            {"name": "all three", "note": cosigned, "keys": [VKEY, *keys]},
            {"name": "not cosigned", "note": head(8), "keys": keys},
            {"name": "of another tree", "note": other, "keys": keys},
            {"name": "another time", "note": with_cosignatures(head(8), [late]), "keys": keys[:1]},
        ]
    )
    assert accepted(said) == {"the log", "one witness", "all three"}


def test_the_go_judge_verifies_our_receipts_and_consistency_proofs(judge: Judge) -> None:
    inclusion, consistency = [], []
    for size in (1, 2, 3, 8, 33, SIZES):
        for index in range(size):
            path = tuple(inclusion_proof(index, size, TREE.hash_at))
            proof = parse_proof(TlogProof(index, path, head(size)).encode()).path
            leaf = str(index).encode()
            case = {"index": index, "size": size, "root": TREE.roots[size], "proof": proof}
            inclusion.append({"name": f"{index} of {size}", "leaf": leaf, **case})
            wrong = [*proof, TREE.leaves[0]]
            inclusion.append(
                {**case, "name": f"no {index} of {size}", "leaf": leaf, "proof": wrong}
            )
        for old in range(1, size):
            case = {"old": old, "new": size, "newRoot": TREE.roots[size]}
            case |= {"proof": consistency_proof(old, size, TREE.hash_at)}
            consistency.append({"name": f"{old} to {size}", "oldRoot": TREE.roots[old], **case})
            other = TREE.roots[old - 1]
            consistency.append({"name": f"no {old} to {size}", "oldRoot": other, **case})
    said = judge(inclusion=inclusion, consistency=consistency)
    assert accepted(said) == {name for name in said if not name.startswith("no ")}


def test_the_go_judge_reaches_the_outcome_of_our_vectors(judge: Judge) -> None:
    """But for trees of no leaves, of which Go's packages know no consistency at all."""
    vectors = json.loads(PROOFS.read_text())
    cases = [case for case in vectors["consistency"] if case["old"] and case["new"]]
    named = {"old_root": "oldRoot", "new_root": "newRoot"}
    said = judge(
        consistency=[
            {named.get(field, field): value for field, value in case.items()} for case in cases
        ]
    )
    assert accepted(said) == {c["name"] for c in cases if c["outcome"] == "accepted"}


def resources(tree: StoredTree, size: int) -> dict[str, bytes]:
    """Everything that tlog-tiles has of a tree below its checkpoint."""
    found: dict[str, bytes] = {}
    level = 0
    while nodes := size >> (8 * level):
        for index in range(-(-nodes // WIDTH)):
            tile = Tile(level, index, min(WIDTH, nodes - index * WIDTH))
            found[tile.path] = b"".join(tree.hash_at(*node) for node in tile.nodes())
        level += 1
    for index in range(-(-size // WIDTH)):
        bundle = Tile(None, index, min(WIDTH, size - index * WIDTH))
        places = range(bundle.first, bundle.first + bundle.width)
        found[bundle.path] = encode_entries(str(number).encode() for number in places)
    return found


def test_the_go_judge_derives_the_log_from_our_tiles(judge: Judge) -> None:
    tree = StoredTree([str(number).encode() for number in range(600)])
    cases: list[dict[str, Any]] = [
        {"name": f"{size} leaves", "resources": resources(tree, size), "checkpoint": note}
        for size in (1, 255, 256, 257, 512, 600)
        if (note := head(size, tree=tree))
    ]
    whole = resources(tree, 600)
    for path, content in whole.items():
        for how, changed in (
            ("changed", bytes([content[-1] ^ 1])),
            ("cut short", b""),
            ("too long", content[-1:] + b"\0"),
        ):
            named = {"name": f"{path} {how}", "checkpoint": head(600, tree=tree)}
            cases.append({**named, "resources": {**whole, path: content[:-1] + changed}})
    said = judge(tiles=[{"key": VKEY, **case} for case in cases])
    assert accepted(said) == {name for name in said if name.endswith(" leaves")}
