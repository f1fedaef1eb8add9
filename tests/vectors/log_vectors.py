"""Writes log.json: leaves, Merkle proofs, notes and receipts with the outcome to reach.

    python -m tests.vectors.log_vectors

Keys come from named seeds and salts are fixed, so running it again changes nothing. Bytes are
standard base64, hashes hexadecimal. ``outcome`` is ``accepted`` or the reason of the refusal
(`protocol/log_errors.py`).
"""

import base64
import json
from pathlib import Path
from typing import Any

from keys.signer import SeedSigner
from protocol.canonical import dumps
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.leaf import Leaf
from protocol.merkle import Frontier, consistency_proof, inclusion_proof, leaf_hash, position
from protocol.note import Note, NoteSignature, VerifierKey, parse_note
from protocol.tlog_proof import TlogProof
from tests.protocol.leaf_samples import SIGNER, every_leaf

FILE = Path(__file__).parent / "log.json"
ORIGIN = "bank.example/interlingua"
KEY = VerifierKey(ORIGIN, SIGNER.public)
SALT = "AAECAwQFBgcICQoLDA0ODw"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def leaves() -> list[Leaf]:
    """Every type once, with one fixed salt."""
    return [leaf.model_copy(update={"salt": SALT}) for leaf in every_leaf()]


class Grown:
    """The tree of all sample leaves, with the root at every size."""

    def __init__(self) -> None:
        self.raw = [leaf.encode() for leaf in leaves()]
        self.nodes: dict[int, bytes] = {}
        frontier = Frontier()
        self.roots = [frontier.root()]
        for raw in self.raw:
            for node in frontier.append(leaf_hash(raw)):
                self.nodes[position(node.level, node.index)] = node.hash
            self.roots.append(frontier.root())

    def hash_at(self, level: int, index: int) -> bytes:
        return self.nodes[position(level, index)]

    def receipt(self, index: int, size: int) -> bytes:
        note = sign_checkpoint(Checkpoint(ORIGIN, size, self.roots[size]), SIGNER)
        path = tuple(inclusion_proof(index, size, self.hash_at))
        return TlogProof(index, path, note).encode()


def leaf_cases(tree: Grown) -> list[dict[str, Any]]:
    """Leaves as they enter the tree, and bytes that are none."""
    accepted = [
        {"name": leaf.type, "leaf": b64(raw), "hash": leaf_hash(raw).hex(), "outcome": "accepted"}
        for leaf, raw in zip(leaves(), tree.raw, strict=True)
    ]
    event = json.loads(tree.raw[-1])
    spellings = {
        "a space": tree.raw[-1].replace(b'"v":1', b'"v": 1'),
        "a field twice": tree.raw[-1].replace(b'"v":1', b'"v":1,"v":1'),
        "fields in another order": b'{"v":1,' + tree.raw[-1].replace(b',"v":1', b"")[1:],
        "null for an absent field": dumps({**event, "detail": None}),
        "an unknown field": dumps({**event, "zebra": 1}),
        "an unknown type": dumps({**event, "type": "gossip"}),
        "a later version": dumps({**event, "v": 2}),
        "a number for a text": dumps({**event, "subject": 7}),
        "a salt of 15 bytes": dumps({**event, "salt": SALT[:20]}),
        "nothing": b"",
    }
    return accepted + [
        {"name": name, "leaf": b64(raw), "outcome": "malformed-leaf"}
        for name, raw in spellings.items()
    ]


def consistency_cases(tree: Grown) -> list[dict[str, Any]]:
    """Older and newer trees with their proof, right and wrong."""
    cases = []
    for old, new in ((1, 2), (3, 7), (8, 15), (4, 8), (15, 15)):
        proof = consistency_proof(old, new, tree.hash_at)
        right = {
            "name": f"{old} to {new}",
            "old": old,
            "new": new,
            "old_root": tree.roots[old].hex(),
            "new_root": tree.roots[new].hex(),
            "proof": [h.hex() for h in proof],
            "outcome": "accepted",
        }
        cases.append(right)
        for name, change in (
            ("another old root", {"old_root": tree.roots[0].hex()}),
            ("another new root", {"new_root": tree.roots[0].hex()}),
            ("a surplus hash", {"proof": [*(h.hex() for h in proof), tree.roots[1].hex()]}),
        ):
            named = {"name": f"{old} to {new}, {name}", **change, "outcome": "proof-mismatch"}
            cases.append({**right, **named})
    return cases


def receipt_cases(tree: Grown) -> list[dict[str, Any]]:
    """A leaf with a tlog-proof, under one log key, and everything that may be wrong with them."""
    leaf, proof = tree.raw[3], tree.receipt(3, 7)
    note = parse_note(proof.partition(b"\n\n")[2])
    stranger = NoteSignature("witness.example", b"\x01\x02\x03\x04", bytes(72))
    cosigned = Note(note.text, (*note.signatures, stranger)).encode()
    forged = Note(note.text, (NoteSignature(ORIGIN, KEY.key_id, bytes(64)),)).encode()
    other = sign_checkpoint(Checkpoint("other.example/log", 7, tree.roots[7]), SIGNER)
    head = proof.partition(b"\n\n")[0] + b"\n\n"
    cases = {
        "a receipt": (leaf, proof, "accepted"),
        "the only leaf": (tree.raw[0], tree.receipt(0, 1), "accepted"),
        "the last of fifteen": (tree.raw[14], tree.receipt(14, 15), "accepted"),
        "cosigned by an unknown key": (leaf, head + cosigned, "accepted"),
        "another leaf": (tree.raw[4], proof, "proof-mismatch"),
        "another index": (leaf, proof.replace(b"index 3", b"index 2"), "proof-mismatch"),
        "an index outside": (leaf, proof.replace(b"index 3", b"index 7"), "proof-mismatch"),
        "a leading zero": (leaf, proof.replace(b"index 3", b"index 03"), "malformed-proof"),
        "carriage returns": (leaf, proof.replace(b"\n", b"\r\n"), "malformed-proof"),
        "another header": (leaf, proof.replace(b"@v1", b"@v2"), "malformed-proof"),
        "no checkpoint": (leaf, head, "malformed-proof"),
        "an unsigned checkpoint": (leaf, head + note.text.encode(), "malformed-note"),
        "another size than was signed": (
            leaf,
            proof.replace(b"interlingua\n7\n", b"interlingua\n8\n"),
            "untrusted-note",
        ),
        "a forged signature": (leaf, head + forged, "untrusted-note"),
        "another log's checkpoint": (leaf, head + other, "untrusted-note"),
        "cut short": (leaf, proof[:-1], "malformed-note"),
    }
    return [
        {"name": name, "leaf": b64(raw), "proof": b64(text), "outcome": outcome}
        for name, (raw, text, outcome) in cases.items()
    ]


def key_cases(tree: Grown) -> list[dict[str, Any]]:
    """Checkpoints of a log whose second key took over at nine leaves; ``signed`` counts keys."""
    second = SeedSigner.from_seed(bytes([2]) * 32)
    keys = (SIGNER, second)
    terms = [
        {"verifier_key": str(VerifierKey(ORIGIN, SIGNER.public)), "from_size": 0, "until_size": 9},
        {"verifier_key": str(VerifierKey(ORIGIN, second.public)), "from_size": 9},
    ]

    def case(size: int, signed: tuple[int, ...], outcome: str, known: int = 2) -> dict[str, Any]:
        head = Checkpoint(ORIGIN, size, tree.roots[size])
        note = sign_checkpoint(head, *(keys[n - 1] for n in signed))
        name = f"{size} leaves, signed by {' and '.join(map(str, signed))}, {known} terms known"
        return {"name": name, "note": b64(note), "terms": terms[:known], "outcome": outcome}

    return [
        case(8, (1,), "accepted"),
        case(9, (1,), "accepted"),
        case(9, (2,), "accepted"),
        case(9, (1, 2), "accepted"),
        case(9, (1, 2), "accepted", known=1),
        case(10, (2,), "accepted"),
        case(10, (1,), "beyond-term"),
        case(8, (2,), "beyond-term"),
        case(10, (1, 2), "accepted"),
        case(10, (2,), "untrusted-note", known=1),
    ]


def written() -> str:
    """The file's text."""
    tree = Grown()
    content = {
        "origin": ORIGIN,
        "verifier_key": str(KEY),
        "roots": [root.hex() for root in tree.roots],
        "leaves": leaf_cases(tree),
        "consistency": consistency_cases(tree),
        "receipts": receipt_cases(tree),
        "keys": key_cases(tree),
    }
    return json.dumps(content, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(written())
