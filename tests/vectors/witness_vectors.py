"""Writes witness.json: cosignatures, requests to a witness, and evidence of forks.

    python -m tests.vectors.witness_vectors

Keys come from named seeds, so running it again changes nothing. Bytes are standard base64.
``status`` is what a witness answers that has cosigned ``latest`` leaves of the tree; ``outcome`` is
``accepted`` or the reason of the refusal (`protocol/log_errors.py`).
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keys.signer import SeedSigner
from protocol.add_checkpoint import AddCheckpoint
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.cosignature import CosignerKey, cosign, witness_name
from protocol.fork import Fork
from protocol.merkle import EMPTY_ROOT, consistency_proof
from protocol.note import VerifierKey
from tests.protocol.leaf_samples import SIGNER
from tests.vectors.log_vectors import Grown

FILE = Path(__file__).parent / "witness.json"
ORIGIN = "bank.example/interlingua"
KEY = VerifierKey(ORIGIN, SIGNER.public)
WITNESS = SeedSigner.from_seed(bytes([9]) * 32)
NAME = witness_name("clinic.example")
COSIGNER = CosignerKey(NAME, WITNESS.public)
AT = 1_790_000_000
TREE = Grown()
LATEST = 5


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def head(size: int, root: bytes | None = None) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root or TREE.roots[size]), SIGNER)


def proof(old: int, new: int) -> tuple[bytes, ...]:
    return tuple(consistency_proof(old, new, TREE.hash_at))


def cosigned() -> Iterator[dict[str, Any]]:
    text = Checkpoint(ORIGIN, 7, TREE.roots[7]).text()
    line = cosign(text, NAME, WITNESS, AT)
    raw = line.signature
    forged = cosign(text, NAME, WITNESS, AT + 1).signature
    cases = {
        "a cosignature": (text, raw, "accepted"),
        "another time before the same signature": (text, forged[:8] + raw[8:], "untrusted-note"),
        "no time": (text, raw[8:], "untrusted-note"),
        "one byte more": (text, raw + b"\0", "untrusted-note"),
        "another tree": (text.replace("\n7\n", "\n8\n"), raw, "untrusted-note"),
        "the plain note": (text, bytes(8) + WITNESS.sign(text.encode()), "untrusted-note"),
        "no checkpoint": ("hello\n", raw, "malformed-checkpoint"),
    }
    for name, (signed, signature, outcome) in cases.items():
        said = b64(line.key_id + signature)
        yield {"name": name, "text": signed, "signature": said, "outcome": outcome}


def requests() -> Iterator[dict[str, Any]]:
    good = AddCheckpoint(LATEST, proof(LATEST, 9), head(9))
    raw = good.encode()
    other = b"\1" * 32
    cases: dict[str, tuple[bytes, int]] = {
        "it goes on": (raw, 200),
        "the same tree again": (AddCheckpoint(LATEST, (), head(LATEST)).encode(), 200),
        "nothing": (b"", 400),
        "no checkpoint": (raw.partition(b"\n\n")[0] + b"\n\n", 400),
        "no old size": (raw.partition(b"\n")[2], 400),
        "a leading zero": (raw.replace(b"old 5", b"old 05"), 400),
        "a sign": (raw.replace(b"old 5", b"old +5"), 400),
        "lines that end in CR LF": (raw.replace(b"\n", b"\r\n", 1), 400),
        "a short hash": (raw.replace(b64(good.proof[0]).encode(), b"AAAA"), 400),
        "64 hashes": (AddCheckpoint(LATEST, (other,) * 64, head(9)).encode(), 400),
        "an old size that is larger": (AddCheckpoint(6, (), head(LATEST)).encode(), 400),
        "another log": (raw.replace(b"bank", b"band"), 404),
        "another tree under the signature": (raw.replace(b"\n9\n", b"\n8\n"), 403),
        "another old size": (AddCheckpoint(4, proof(4, 9), head(9)).encode(), 409),
        "from nothing": (AddCheckpoint(0, (), head(9)).encode(), 409),
        "no proof": (AddCheckpoint(LATEST, (), head(9)).encode(), 422),
        "the proof of another tree": (AddCheckpoint(LATEST, proof(4, 9), head(9)).encode(), 422),
        "a longer proof": (AddCheckpoint(LATEST, (*good.proof, other), head(9)).encode(), 422),
        "another root": (AddCheckpoint(LATEST, good.proof, head(9, other)).encode(), 422),
        "the same size, another root": (
            AddCheckpoint(LATEST, (), head(LATEST, other)).encode(),
            422,
        ),
    }
    for name, (body, status) in cases.items():
        yield {"name": name, "latest": LATEST, "body": b64(body), "status": status}
    first = {"first": head(3), "empty": head(0), "of nothing": head(0, EMPTY_ROOT[::-1])}
    yield {
        "name": "the first",
        "latest": 0,
        "body": b64(AddCheckpoint(0, (), first["first"]).encode()),
        "status": 200,
    }
    yield {
        "name": "an empty tree",
        "latest": 0,
        "body": b64(AddCheckpoint(0, (), first["empty"]).encode()),
        "status": 200,
    }
    yield {
        "name": "an empty tree with another root",
        "latest": 0,
        "body": b64(AddCheckpoint(0, (), first["of nothing"]).encode()),
        "status": 422,
    }
    yield {
        "name": "a proof from nothing",
        "latest": 0,
        "body": b64(AddCheckpoint(0, (other,), first["first"]).encode()),
        "status": 422,
    }


def forks() -> Iterator[dict[str, Any]]:
    other = b"\1" * 32
    cases = {
        "two trees of one size": (Fork(head(6), head(6, other)), "accepted"),
        "a tree that did not go on": (Fork(head(5, other), head(9), proof(5, 9)), "accepted"),
        "of a power of two, with its root": (
            Fork(head(4, other), head(9), (TREE.roots[4], *proof(4, 9))),
            "accepted",
        ),
        "of a power of two, without": (Fork(head(4, other), head(9), proof(4, 9)), None),
        "the same tree": (Fork(head(6), head(6)), None),
        "a tree that went on": (Fork(head(5), head(9), proof(5, 9)), None),
        "no proof": (Fork(head(5, other), head(9)), None),
        "the larger one first": (Fork(head(9), head(5, other), proof(5, 9)), None),
    }
    for name, (fork, outcome) in cases.items():
        yield {"name": name, "fork": b64(fork.encode()), "outcome": outcome or "malformed-fork"}
    spaced = Fork(head(6), head(6, other)).encode().replace(b'"fork":1', b'"fork": 1')
    yield {"name": "another spelling", "fork": b64(spaced), "outcome": "malformed-fork"}


def written() -> str:
    """Return the file's content."""
    content = {
        "log_key": str(KEY),
        "witness_key": str(COSIGNER),
        "at": AT,
        "roots": [root.hex() for root in TREE.roots[:10]],
        "cosignatures": list(cosigned()),
        "requests": list(requests()),
        "forks": list(forks()),
    }
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(written())
