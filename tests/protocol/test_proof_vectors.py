"""Merkle proofs and tiles: own vectors always, transparency-dev/merkle's where their files are.

docs/audit.md says how to obtain the published files; they are looked for in the folder that
``MERKLE_TESTDATA`` names, else in ``tests/vectors/merkle-testdata``.
"""

import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.limits import MAX_TREE_SIZE
from protocol.log_errors import ProofMismatch
from protocol.merkle import verify_consistency, verify_inclusion
from protocol.tiles import ENTRIES, MAX_TILE_LEVEL, WIDTH, Tile, encode_entries, parse_path
from tests.vectors.proof_vectors import FILE, grown, written

VECTORS: dict[str, Any] = json.loads(FILE.read_text())
PUBLISHED = Path(os.environ.get("MERKLE_TESTDATA", FILE.parent / "merkle-testdata"))
PUBLISHED_FILES = 196
PUBLISHED_DIGEST = "b9ebca6061a41485e515d2909c5ce5eec2f0858429f2f01822ab8dd35beed803"


def hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def outcome(check: Any, *arguments: Any) -> str:
    try:
        check(*arguments)
    except ProofMismatch as error:
        return error.reason
    return "accepted"


def included(case: dict[str, Any], *names: str) -> str:
    index, size, leaf, root, proof = (case[name] for name in names)
    leaf_hash, root_hash = hashes([leaf, root])
    return outcome(verify_inclusion, index, size, leaf_hash, hashes(proof), root_hash)


def consistent(case: dict[str, Any], *names: str) -> str:
    old, new, old_root, new_root, proof = (case[name] for name in names)
    return outcome(verify_consistency, old, new, *hashes([old_root, new_root]), hashes(proof))


def test_own_inclusion_proofs_reach_their_outcome() -> None:
    names = ("index", "size", "leaf", "root", "proof")
    said = {case["name"]: included(case, *names) for case in VECTORS["inclusion"]}
    assert said == {case["name"]: case["outcome"] for case in VECTORS["inclusion"]}
    assert Counter(said.values())["accepted"] == 9


def test_own_consistency_proofs_reach_their_outcome() -> None:
    names = ("old", "new", "old_root", "new_root", "proof")
    said = {case["name"]: consistent(case, *names) for case in VECTORS["consistency"]}
    assert said == {case["name"]: case["outcome"] for case in VECTORS["consistency"]}
    assert Counter(said.values())["accepted"] == 10


def test_own_tiles_are_there_missing_or_malformed_as_the_vectors_say() -> None:
    """And the file is what its generator writes."""
    assert FILE.read_text() == written()
    tree = grown()
    assert base64.b64encode(tree.root).decode() == VECTORS["root"]
    for case in VECTORS["tiles"]:
        tile = parse_path(case["path"])
        if case["outcome"] == "malformed":
            assert tile is None, case
            continue
        assert tile is not None
        assert tile.is_in(VECTORS["size"]) == (case["outcome"] == "there")
        if tile.is_in(VECTORS["size"]):
            content = b"".join(tree.hash_at(*node) for node in tile.nodes())
            assert len(content) == 32 * tile.width
            assert hashlib.sha256(content).hexdigest() == case["sha256"]


LEVELS = st.none() | st.integers(0, MAX_TILE_LEVEL)


@given(LEVELS, st.integers(0, MAX_TREE_SIZE // WIDTH), st.integers(1, WIDTH))
def test_a_tile_is_read_back_from_its_path(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_path(tile.path) == tile
    assert (f"tile/{ENTRIES}/" in tile.path) == (level is None)


@given(st.text("x012/.p", max_size=12))
def test_a_path_has_one_spelling(place: str) -> None:
    tile = parse_path(f"tile/0/{place}")
    assert tile is None or tile.path == f"tile/0/{place}"


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_entries_stand_behind_their_lengths(leaves: list[bytes]) -> None:
    raw, found = encode_entries(leaves), []
    while raw:
        ends = 2 + int.from_bytes(raw[:2], "big")
        found.append(raw[2:ends])
        raw = raw[ends:]
    assert found == leaves


def published() -> Iterator[Path]:
    if not PUBLISHED.is_dir():
        pytest.skip(f"no published vectors in {PUBLISHED}: docs/audit.md says how to obtain them")
    for kind in ("consistency", "inclusion"):
        yield from (path for path in (PUBLISHED / kind).rglob("*.json") if path.is_file())


def test_the_published_vectors_reach_their_outcome() -> None:
    files = sorted(published(), key=lambda path: path.relative_to(PUBLISHED).as_posix())
    sums = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(PUBLISHED)}\n"
        for path in files
    )
    assert len(files) == PUBLISHED_FILES
    assert hashlib.sha256(sums.encode()).hexdigest() == PUBLISHED_DIGEST
    for path in files:
        case = json.loads(path.read_text())
        if path.relative_to(PUBLISHED).parts[0] == "inclusion":
            said = included(case, "leafIdx", "treeSize", "leafHash", "root", "proof")
        else:
            said = consistent(case, "size1", "size2", "root1", "root2", "proof")
        assert (said != "accepted") == case.get("wantErr", False), path
