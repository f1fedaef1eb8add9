"""Writes the vector files: inputs with the outcome that every implementation must reach.

    python -m tests.vectors.generate

Everything is derived from named seeds, so running it again changes nothing. A case that this
implementation gets wrong is found by tests/protocol/test_vector_files.py, which reads the files and
knows nothing of how they were made.
"""

import base64
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keys.words import fingerprint, safety_words
from protocol.canonical import digest, dumps
from protocol.dsse import sign
from protocol.envelope import SKETCH_BYTES
from protocol.log_terms import LogTerm
from protocol.pairing import Side, pairing_words
from protocol.probe import PROBE_TEXTS
from protocol.root import ROOT_TYPE, RevokedKey, RootDocument
from tests.protocol.organisation import (
    DAY_S,
    NOW,
    card,
    key,
    root,
    signed_card,
    signed_root,
    signer,
)
from tests.protocol.samples import envelope
from tests.protocol.test_envelope import DEFINING, DESCRIBING

HERE = Path(__file__).parent


def canonical() -> dict[str, Any]:
    """Values and their canonical bytes."""
    values: list[Any] = [
        {},
        [],
        {"b": 1, "a": [True, False, None], "B": {"": -1}},
        {"aa": 1, "a": 2, "a!": 3, "a\x01": 4},
        '€ \u007f \u2028 \U0001f600 / \\ " \b\t\n\f\r\u0000\u001f',
        [2**53 - 1, -(2**53 - 1), 0],
    ]
    return {
        "accepted": [
            {"value": v, "canonical": dumps(v).decode(), "digest": digest(dumps(v))} for v in values
        ],
        "refused": [
            {"name": "float", "json": "[1.5]"},
            {"name": "integer above 2^53-1", "json": "[9007199254740992]"},
            {"name": "name that is not ASCII", "json": '{"é":1}'},
        ],
    }


def strict_json() -> list[dict[str, Any]]:
    """Bytes (base64) with limits, and what reading them must give."""
    cases: list[tuple[str, bytes, str]] = [
        ("an object", b'{"a":[1,{"b":null}]}', "accepted"),
        ("white space", b' {\t"a" :\r\n1 } ', "accepted"),
        ("brackets in strings", b'{"a":"[[[[[[[[[["}', "accepted"),
        ("an escaped quote", b'{"a":"\\"[[[[[[[[","b":"\\\\"}', "accepted"),
        ("a surrogate pair", b'{"a":"\\ud83d\\ude00"}', "accepted"),
        ("byte order mark", b'\xef\xbb\xbf{"a":1}', "encoding"),
        ("not UTF-8", b'{"a":"\xff"}', "encoding"),
        ("a surrogate in UTF-8", b'{"a":"\xed\xa0\x80"}', "encoding"),
        ("a lone surrogate", b'{"a":"\\ud800"}', "syntax"),
        ("NaN", b'{"a":NaN}', "syntax"),
        ("Infinity", b'{"a":Infinity}', "syntax"),
        ("a trailing comma", b'{"a":1,}', "syntax"),
        ("two documents", b'{"a":1}{}', "syntax"),
        ("nothing", b"", "syntax"),
        ("a list", b"[1]", "not-an-object"),
        ("a name twice", b'{"a":1,"b":2,"a":1}', "duplicate"),
        ("a name twice, spelled differently", b'{"a":1,"\\u0061":2}', "duplicate"),
        ("a name twice, deep inside", b'{"a":[{"b":1,"b":1}]}', "duplicate"),
        ("2^53", b'{"a":9007199254740992}', "number"),
        ("2^53-1", b'{"a":-9007199254740991}', "accepted"),
        ("8 levels", b'{"a":' + b"[" * 7 + b"]" * 7 + b"}", "accepted"),
        ("9 levels", b'{"a":' + b"[" * 8 + b"]" * 8 + b"}", "depth"),
        ("too many values", b'{"a":[' + b"0," * 200 + b"0]}", "items"),
        ("too long", b'{"a":"' + b"x" * 1000 + b'"}', "size"),
    ]
    return [
        {
            "name": name,
            "base64": base64.b64encode(raw).decode(),
            "max_bytes": 1000,
            "max_depth": 8,
            "max_items": 200,
            "outcome": outcome,
        }
        for name, raw, outcome in cases
    ]


def envelopes() -> dict[str, Any]:
    """Envelopes with their space ids, and changes that make one invalid."""
    samples = {
        "least": envelope(),
        "all fields": envelope(**DEFINING, **DESCRIBING),
        "other role and dtype, same space": envelope(role="query", dtype="int8"),
    }
    refused: dict[str, dict[str, Any]] = {
        "unknown field": {"colour": "red"},
        "later version": {"spec": 2},
        "dimension as text": {"dimension": "4"},
        "truncated from fewer": {"truncated_from": 3},
        "int8 without normalisation": {"dtype": "int8", "normalisation": "none"},
        "short probe": {"probe": "AAAA"},
        "probe with padding": {"probe": DEFINING["probe"] + "="},
        "prompt in clear": {"prompts": {"query": "query: ", "document": digest(b"")}},
    }
    least = envelope().model_dump(mode="json")
    return {
        "accepted": [
            {
                "name": name,
                "envelope": sample.model_dump(mode="json"),
                "hashed": dumps(sample.space_fields).decode(),
                "space_id": sample.space_id,
            }
            for name, sample in samples.items()
        ],
        "refused": [{"name": n, "envelope": {**least, **c}} for n, c in refused.items()],
    }


def vectors() -> list[dict[str, Any]]:
    """Batches on the wire with the envelope's part, and the decoded rows or the refusal."""

    def case(name: str, layout: str, values: list[Any], outcome: Any, **of: Any) -> dict[str, Any]:
        dtype = {"f": "float32", "e": "float16", "b": "int8"}[layout]
        data = base64.b64encode(struct.pack(f"<{len(values)}{layout}", *values)).decode()
        wire = {"n": len(values) // 4, "d": 4, "dtype": dtype, "data": data}
        space = {"dimension": 4, "normalisation": "l2", "dtype": dtype}
        return {"name": name, "vectors": wire, "envelope": {**space, **of}, "outcome": outcome}

    unit = [0.5, -0.5, 0.5, 0.5]
    bad_bits = case("unused bits set", "f", [1.0, 0.0, 0.0, 0.0], "base64")
    bad_bits["vectors"]["data"] = bad_bits["vectors"]["data"][:-3] + "B=="
    urlsafe = case("the other alphabet", "b", [127, -1, -1, 0], "base64")
    urlsafe["vectors"]["data"] = urlsafe["vectors"]["data"].replace("/", "_")
    short = case("one vector short", "f", unit, "length")
    short["vectors"]["n"] = 2
    return [
        case("float32", "f", [*unit, 1.0, 0.0, 0.0, 0.0], [unit, [1.0, 0.0, 0.0, 0.0]]),
        case("float16", "e", unit, [unit]),
        case("int8", "b", [127, -127, 127, 127], [unit]),
        case("length 1.0005", "f", [1.0005, 0.0, 0.0, 0.0], [[1.0, 0.0, 0.0, 0.0]]),
        case("length 1.002", "f", [1.002, 0.0, 0.0, 0.0], "norm"),
        case("zero", "f", [0.0] * 4, "norm"),
        case("NaN", "f", [1.0, float("nan"), 0.0, 0.0], "not-finite"),
        case("infinite", "e", [1.0, float("inf"), 0.0, 0.0], "not-finite"),
        case("no normalisation", "f", [3.0, 4.0, 0.0, 0.0], [[3.0, 4.0, 0.0, 0.0]])
        | {"envelope": {"dimension": 4, "normalisation": "none", "dtype": "float32"}},
        case("too long without", "f", [2e6, 0.0, 0.0, 0.0], "norm", normalisation="none"),
        case("int8 not scaled", "b", [100, 0, 0, 0], "scale"),
        case("int8 -128", "b", [-128, 0, 0, 0], "scale"),
        case("int8 zero", "b", [0, 0, 0, 0], "norm"),
        case("another dimension", "f", unit, "dimension", dimension=5),
        case("another dtype", "f", unit, "dtype", dtype="float16"),
        bad_bits,
        urlsafe,
        short,
    ]


def probe() -> dict[str, Any]:
    """The probe texts, and the sketch of vectors that are defined by a formula."""
    n, d = len(PROBE_TEXTS), 5
    rows = [[(7 * i + 3 * j * j + i * j) % 11 - 5 for j in range(d)] for i in range(n)]
    lengths = [sum(x * x for x in row) ** 0.5 for row in rows]
    numbers = [
        round(
            127
            * sum(a * b for a, b in zip(rows[i], rows[j], strict=True))
            / lengths[i]
            / lengths[j]
        )
        for i in range(n)
        for j in range(i + 1, n)
    ]
    sketch = struct.pack(f"{SKETCH_BYTES}b", *numbers)
    return {
        "texts": list(PROBE_TEXTS),
        "vectors": rows,
        "sketch": base64.urlsafe_b64encode(sketch).decode().rstrip("="),
    }


def words() -> dict[str, Any]:
    """Fingerprints and safety words of named keys."""
    one, other = signer("root 1").public, signer("root 2").public
    material = b"".join(sorted((one, other)))
    inviter = {"organisation": "clinic.example", "root": signer("root 1").kid, "nonce": "A" * 22}
    requester = {
        "organisation": "lab.example",
        "root": signer("root 2").kid,
        "nonce": "A" * 21 + "Q",
    }
    return {
        "fingerprints": [
            {"public": k.hex(), "words": " ".join(fingerprint(k))} for k in (one, other)
        ],
        "safety": [{"material": material.hex(), "words": " ".join(safety_words(material))}],
        "pairing": [
            {
                "inviter": inviter,
                "requester": requester,
                "words": pairing_words(Side(**inviter), Side(**requester)),
            }
        ],
    }


def roots() -> list[dict[str, Any]]:
    """Root documents with what the reader holds, and the outcome."""
    pin, first = signer("root 1").kid, root()
    fresh = {"version": 2, "issued": NOW + DAY_S, "expires": NOW + 80 * DAY_S}
    moved = root(**fresh, roots=(key("root 2", "root"),))
    stolen = (RevokedKey(kid=signer("sign 1").kid, at=NOW, reason="stolen"),)
    without = root(**fresh, keys=(key("card 1", "card"), key("log 1", "log")), revocations=stolen)

    logs = [signer(f"log {n}").public for n in (1, 2, 3)]
    origin = "clinic.example/log"
    termed = (LogTerm.of(origin, logs[0], 0, 9), LogTerm.of(origin, logs[1], 9, None))
    stated = root(**fresh, log_terms=termed)
    third = {**fresh, "version": 3, "issued": NOW + DAY_S}
    gone_on = (termed[0], LogTerm.of(origin, logs[1], 9, 12), LogTerm.of(origin, logs[2], 12, None))
    moved_end = (LogTerm.of(origin, logs[0], 0, 8), LogTerm.of(origin, logs[1], 8, None))

    def case(
        name: str, raw: bytes, outcome: str, previous: RootDocument | None = None, **of: Any
    ) -> dict[str, Any]:
        held = {
            "previous": previous.payload.decode() if previous else None,
            "pinned": None if previous else pin,
            "organisation": None,
            "at": NOW + DAY_S,
            "intermediate": False,
        }
        return {"name": name, "raw": raw.decode(), **held, **of, "outcome": outcome}

    respelled = sign(first.payload + b"\n", ROOT_TYPE, [signer("root 1")])
    return [
        case("the first one, pinned", signed_root(first), "accepted"),
        case("no pin, no predecessor", signed_root(first), "pin", pinned=None),
        case("signed by a key that is not pinned", signed_root(moved, "root 2"), "pin"),
        case("signed by a stranger", signed_root(first, "stranger"), "unknown-key"),
        case("payload not canonical", respelled, "form"),
        case("another name expected", signed_root(first), "organisation", organisation="b.example"),
        case("the next one, both keys", signed_root(moved, "root 1", "root 2"), "accepted", first),
        case("the next one, new key only", signed_root(moved, "root 2"), "unknown-key", first),
        case("the next one, old key only", signed_root(moved, "root 1"), "unknown-key", first),
        case("the same one again", signed_root(first), "accepted", first),
        case("an older one", signed_root(first), "rollback", moved),
        case("one version left out", signed_root(root(**{**fresh, "version": 3})), "gap", first),
        case(
            "same version, other content",
            signed_root(root(threshold=1, issued=NOW + 1)),
            "fork",
            first,
        ),
        case("a key revoked", signed_root(without), "accepted", first),
        case(
            "its revocation forgotten",
            signed_root(root(**{**fresh, "version": 3})),
            "revoked-key",
            without,
        ),
        case(
            "a key with a new purpose",
            signed_root(root(**fresh, keys=(key("card 1", "sign"),))),
            "reused-key",
            first,
        ),
        case("one key twice", signed_root(root(keys=(key("root 1", "sign"),))), "reused-key"),
        case("terms of log keys stated", signed_root(stated), "accepted", first),
        case(
            "an open term closed", signed_root(root(**third, log_terms=gone_on)), "accepted", stated
        ),
        case("terms taken back", signed_root(root(**third)), "log-terms", stated),
        case(
            "a term ends elsewhere",
            signed_root(root(**third, log_terms=moved_end)),
            "log-terms",
            stated,
        ),
        case("from the future", signed_root(first), "early", at=NOW - 31),
        case("expired", signed_root(first), "expired", at=first.expires),
        case(
            "expired, on the way to another",
            signed_root(first),
            "accepted",
            at=first.expires,
            intermediate=True,
        ),
        case("valid for 91 days", signed_root(root(expires=NOW + 91 * DAY_S)), "lifetime"),
        case(
            "root key expired",
            signed_root(root(roots=(key("root 1", "root", not_after=NOW),))),
            "expired-key",
        ),
        case(
            "one signature of two",
            signed_root(root(threshold=2, roots=(key("root 1", "root"), key("root 2", "root")))),
            "signatures",
        ),
    ]


def cards() -> list[dict[str, Any]]:
    """Cards with what the reader holds, and the outcome."""
    under = root()

    def case(name: str, raw: bytes, outcome: str, **of: Any) -> dict[str, Any]:
        held = {"root": under.payload.decode(), "previous": None, "at": NOW}
        return {"name": name, "raw": raw.decode(), **held, **of, "outcome": outcome}

    before = card(serial=5).payload.decode()
    return [
        case("the first one", signed_card(card()), "accepted"),
        case("a newer one", signed_card(card(serial=6)), "accepted", previous=before),
        case("the same one", signed_card(card(serial=5)), "accepted", previous=before),
        case("an older one", signed_card(card(serial=4)), "rollback", previous=before),
        case(
            "same serial, other content",
            signed_card(card(serial=5, routes=())),
            "fork",
            previous=before,
        ),
        case("another organisation", signed_card(card(organisation="b.example")), "organisation"),
        case("another root version", signed_card(card(root_version=2)), "root"),
        case("another root digest", signed_card(card(root_digest=digest(b""))), "root"),
        case("signed by the signing key", signed_card(card(), "sign 1"), "unknown-key"),
        case("from the future", signed_card(card()), "early", at=NOW - 31),
        case("expired", signed_card(card()), "expired", at=NOW + DAY_S),
        case("valid for longer", signed_card(card(expires=NOW + DAY_S + 1)), "lifetime"),
        case("another address", signed_card(card(url="https://b.example")), "authority"),
        case(
            "the name of another organisation's log",
            signed_card(card(log_origin="b.example/log")),
            "log-origin",
        ),
        case(
            "a log under the bare name", signed_card(card(log_origin="clinic.example")), "accepted"
        ),
        case("another log key", signed_card(card(log_kid=signer("sign 1").kid)), "log-key"),
    ]


FILES: dict[str, Callable[[], Any]] = {
    "canonical.json": canonical,
    "strict_json.json": strict_json,
    "envelopes.json": envelopes,
    "vectors.json": vectors,
    "probe.json": probe,
    "words.json": words,
    "roots.json": roots,
    "cards.json": cards,
}


def written(name: str) -> str:
    """The text of one file."""
    return json.dumps(FILES[name](), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for file in FILES:
        (HERE / file).write_text(written(file), encoding="utf-8")
