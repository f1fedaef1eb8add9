"""Writes proofs.json: Merkle proofs and tiles of one own tree, right and wrong in every way.

    python -m tests.vectors.proof_vectors

The kinds of cases are those of transparency-dev/merkle's published vectors, the tree and its values
are ours: leaf n is the text "entry n". Hashes are standard base64. ``outcome`` is ``accepted`` or
``proof-mismatch``. Running it again changes nothing.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from protocol.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    position,
)
from protocol.tiles import WIDTH, Tile

FILE = Path(__file__).parent / "proofs.json"
SIZE = 70_000
"""As in the example of C2SP tlog-tiles."""
GARBAGE = hashlib.sha256(b"garbage").digest()
OTHER = hashlib.sha256(b"another root").digest()
PLACES = ((0, 1), (0, 2), (1, 2), (2, 3), (4, 7), (5, 8), (13, 21), (20, 21), (255, 257))
STEPS = ((1, 2), (2, 5), (3, 8), (4, 8), (6, 7), (8, 21), (21, 256), (256, 257))


class Grown:
    """The tree of ``SIZE`` leaves, with the root at every size up to 300."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        frontier = Frontier()
        self.roots = [EMPTY_ROOT]
        for number in range(SIZE):
            for node in frontier.append(leaf_hash(entry(number))):
                self.nodes.append(node.hash)
            if number < 300:
                self.roots.append(frontier.root())
        self.root = frontier.root()

    def hash_at(self, level: int, index: int) -> bytes:
        return self.nodes[position(level, index)]


@cache
def grown() -> Grown:
    """The tree, grown once in a process."""
    return Grown()


def entry(number: int) -> bytes:
    """The bytes of a leaf."""
    return f"entry {number}".encode()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def flipped(raw: bytes, bit: int) -> bytes:
    return bytes([raw[0] ^ (1 << bit), *raw[1:]]) if raw else raw


def wrong_proofs(proof: list[bytes], roots: dict[str, bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Every way in which the list of hashes itself may be wrong."""
    yield "preceding garbage", [GARBAGE, *proof]
    yield "trailing garbage", [*proof, GARBAGE]
    for name, root in roots.items():
        yield f"preceding {name}", [root, *proof]
        yield f"trailing {name}", [*proof, root]
    for at, hash_ in enumerate(proof):
        yield f"hash {at} modified", [*proof[:at], flipped(hash_, 3), *proof[at + 1 :]]
        yield f"hash {at} removed", [*proof[:at], *proof[at + 1 :]]
        yield f"hash {at} twice", [*proof[:at], hash_, *proof[at:]]
        yield f"hash {at} cut short", [*proof[:at], hash_[:-1], *proof[at + 1 :]]
    if len(proof) > 1:
        yield "two hashes swapped", [proof[1], proof[0], *proof[2:]]
        yield "empty proof", []


def inclusion_cases(tree: Grown) -> Iterator[dict[str, Any]]:
    """A leaf's place in a tree, and everything that may be wrong with it."""
    for index, size in PLACES:
        proof, root = inclusion_proof(index, size, tree.hash_at), tree.roots[size]
        leaf = leaf_hash(entry(index))
        right = {"index": index, "size": size, "leaf": leaf, "root": root, "proof": proof}
        changes: dict[str, dict[str, Any]] = {
            "another leaf": {"leaf": leaf_hash(entry(index + 1))},
            "no leaf": {"leaf": b""},
            "another root": {"root": OTHER},
            "no root": {"root": b""},
            "no root and another leaf": {"root": b"", "leaf": OTHER},
            "index plus 1": {"index": index + 1},
            "index minus 1": {"index": index - 1},
            "index xor 2": {"index": index ^ 2},
            "twice the size": {"size": size * 2},
            "half the size": {"size": size // 2},
            **{name: {"proof": wrong} for name, wrong in wrong_proofs(proof, {"root": root})},
        }
        name = f"{index} of {size}"
        yield {"name": name, **right, "outcome": "accepted"}
        for how, change in changes.items():
            yield {"name": f"{name}, {how}", **right, **change, "outcome": "proof-mismatch"}


def consistency_cases(tree: Grown) -> Iterator[dict[str, Any]]:
    """An older and a newer tree, and everything that may be wrong with their proof."""
    for old, new in STEPS:
        proof = consistency_proof(old, new, tree.hash_at)
        old_root, new_root = tree.roots[old], tree.roots[new]
        right = {"old": old, "new": new, "old_root": old_root, "new_root": new_root}
        roots = {"old root": old_root, "new root": new_root}
        changes: dict[str, dict[str, Any]] = {
            "another old root": {"old_root": OTHER},
            "another new root": {"new_root": OTHER},
            "the roots swapped": {"old_root": new_root, "new_root": old_root},
            "old size plus 1": {"old": old + 1},
            "old size minus 1": {"old": old - 1},
            "old size xor 2": {"old": old ^ 2},
            "twice the new size": {"new": new * 2},
            "half the new size": {"new": new // 2},
            **{name: {"proof": wrong} for name, wrong in wrong_proofs(proof, roots)},
        }
        name = f"{old} to {new}"
        yield {"name": name, **right, "proof": proof, "outcome": "accepted"}
        for how, change in changes.items():
            case = {**right, "proof": proof, **change}
            yield {"name": f"{name}, {how}", **case, "outcome": "proof-mismatch"}
    yield from _edges(tree)


def _edges(tree: Grown) -> Iterator[dict[str, Any]]:
    """Trees of one size, of none, and a newer one that is smaller."""
    empty, one, two = tree.roots[:3]
    for name, old, new, roots, proof, outcome in (
        ("two empty trees", 0, 0, (empty, empty), [], "accepted"),
        ("one tree of one leaf", 1, 1, (one, one), [], "accepted"),
        ("two empty trees with other roots", 0, 0, (OTHER, OTHER), [], "proof-mismatch"),
        ("two roots of no leaves", 0, 0, (empty, OTHER), [], "proof-mismatch"),
        ("two roots of one leaf", 1, 1, (one, OTHER), [], "proof-mismatch"),
        ("a proof between empty trees", 0, 0, (empty, empty), [empty], "proof-mismatch"),
        ("a proof between equal trees", 1, 1, (one, one), [one], "proof-mismatch"),
        ("from nothing to one leaf", 0, 1, (empty, one), [], "proof-mismatch"),
        ("from nothing, with a proof", 0, 1, (empty, one), [one], "proof-mismatch"),
        ("back to nothing", 1, 0, (one, empty), [], "proof-mismatch"),
        ("back to one leaf", 2, 1, (two, one), [one], "proof-mismatch"),
        ("other sizes without a proof", 1, 2, (one, two), [], "proof-mismatch"),
    ):
        sides = {"old": old, "new": new, "old_root": roots[0], "new_root": roots[1]}
        yield {"name": name, **sides, "proof": proof, "outcome": outcome}


def tile_cases(tree: Grown) -> Iterator[dict[str, Any]]:
    """Places of tiles, whether a tree of ``SIZE`` leaves has them, and what SHA-256 they have."""
    there = (
        Tile(0, 0),
        Tile(0, 272),
        Tile(0, 273, 112),
        Tile(0, 273, 1),
        Tile(0, 0, 255),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    )
    missing = (
        Tile(0, 273),
        Tile(0, 273, 113),
        Tile(1, 1),
        Tile(1, 1, 18),
        Tile(2, 0),
        Tile(2, 0, 2),
        Tile(3, 0, 1),
        Tile(63, 0, 1),
        Tile(0, 1_234_067),
    )
    for tile in there:
        sum_ = hashlib.sha256(b"".join(tree.hash_at(*node) for node in tile.nodes())).hexdigest()
        yield {"path": tile.path, "outcome": "there", "sha256": sum_}
    yield from ({"path": tile.path, "outcome": "missing"} for tile in missing)
    wrong = (
        "tile",
        "tile/",
        "tile/0",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x1/000",
        "tile/0/X001/000",
        "tile/0/000/",
        "/tile/0/000",
        "tile/8/0/000",
        "tile/entry/000",
        "tile/entries/0",
        "tile/0/%30%30%30",
        "tile/0/x999/x999/x999/x999/x999/999",
    )
    yield from ({"path": path, "outcome": "malformed"} for path in wrong)


def written() -> str:
    """The file's text."""
    tree = grown()
    content = {
        "size": SIZE,
        "root": b64(tree.root),
        "width": WIDTH,
        "inclusion": [_spelt(case) for case in inclusion_cases(tree)],
        "consistency": [_spelt(case) for case in consistency_cases(tree)],
        "tiles": list(tile_cases(tree)),
    }
    lines = {
        name: ",\n".join(f"  {json.dumps(case)}" for case in value)
        for name, value in content.items()
        if isinstance(value, list)
    }
    head = {name: value for name, value in content.items() if name not in lines}
    body = ",\n".join(f' "{name}": [\n{text}\n ]' for name, text in lines.items())
    return json.dumps(head, indent=1).removesuffix("\n}") + ",\n" + body + "\n}\n"


def _spelt(case: dict[str, Any]) -> dict[str, Any]:
    """Hashes as base64."""

    def spell(value: Any) -> Any:
        if isinstance(value, list):
            return [spell(one) for one in value]
        return b64(value) if isinstance(value, bytes) else value

    return {name: spell(value) for name, value in case.items()}


if __name__ == "__main__":
    FILE.write_text(written())
