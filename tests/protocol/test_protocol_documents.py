"""docs/protocol-documents.md cannot drift: its examples, tables, reasons and limits are checked."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from mnemonic import Mnemonic
from pydantic import BaseModel

import keys.ring
import protocol.document
import protocol.strict_json
import protocol.vectors
from keys.thumbprint import thumbprint
from keys.words import fingerprint
from protocol import limits
from protocol.announcement import ANNOUNCE_PATH, Announcement
from protocol.canonical import digest, dumps
from protocol.card import CARD_TYPE, Card, CardLimits, Figure, Route, accept_card
from protocol.dsse import pae
from protocol.envelope import SPACE_FIELDS, Envelope
from protocol.log_terms import LogTerm
from protocol.notation import from_base64url
from protocol.probe import PROBE_TEXTS, TOLERANCE
from protocol.root import ROOT_TYPE, Key, RevokedKey, RootDocument, accept_root
from protocol.vectors import Vectors, decode
from tests.protocol.organisation import NOW, signer
from tests.protocol.samples import envelope

TEXT = (Path(__file__).parents[2] / "docs" / "protocol-documents.md").read_text(encoding="utf-8")
FENCES = {
    name: body.removesuffix("\n")
    for name, body in re.findall(r"^```\w+ ([\w-]+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
}


def section(number: int) -> str:
    (found,) = re.findall(rf"^## {number} .*?(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return str(found)


def table(header: str) -> list[str]:
    """The backticked names in the first column of the table under `header`."""
    (found,) = re.findall(rf"^\| {header} \|.*?(?=\n\n)", TEXT, re.MULTILINE | re.DOTALL)
    rows = found.split("\n")[2:]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_every_fence_has_a_name_and_is_read_here() -> None:
    assert TEXT.count("```") == 2 * len(FENCES)
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FENCES if f'"{name}"' not in source] == []


def test_canonical_json() -> None:
    raw = dumps(json.loads(FENCES["canonical-value"]))
    assert raw.decode() == FENCES["canonical-bytes"]
    assert digest(raw) == FENCES["canonical-digest"]


def test_key_id_and_fingerprint() -> None:
    public, kid = FENCES["kid"].split("\n")
    assert thumbprint(from_base64url(public)) == kid
    assert " ".join(fingerprint(signer("root 1").public)) == FENCES["fingerprint"]
    words = "\n".join(Mnemonic("english").wordlist)
    assert hashlib.sha256(words.encode()).hexdigest() in section(4)


def test_the_envelope_and_its_space_id() -> None:
    read = Envelope.model_validate(json.loads(FENCES["envelope"]))
    assert dumps(read.space_fields).decode() == FENCES["space-fields"]
    assert read.space_id == FENCES["space-id"]


def test_the_table_says_which_fields_are_hashed() -> None:
    hashed = re.findall(r"^\| `(\w+)` \|[^|]*\| yes \|", section(5), re.MULTILINE)
    assert tuple(hashed) == SPACE_FIELDS


def test_the_probe_texts() -> None:
    assert tuple(FENCES["probe-texts"].split("\n")) == PROBE_TEXTS
    assert f"these `{len(PROBE_TEXTS)}` texts" in TEXT
    assert f"The tolerance is {TOLERANCE}." in TEXT


@pytest.mark.parametrize("line", FENCES["vectors"].split("\n"))
def test_vectors(line: str) -> None:
    wire = Vectors.model_validate(json.loads(line))
    rows = decode(wire, envelope(dtype=wire.dtype))
    assert np.array_equal(rows, np.array([[0.5, -0.5, 0.5, 0.5]], dtype=np.float32))


def test_the_form_of_an_envelope() -> None:
    form, signed = json.loads(FENCES["dsse-form"]), json.loads(FENCES["root-envelope"])
    assert list(form) == list(signed)
    assert list(form["signatures"][0]) == list(signed["signatures"][0])


def test_the_pre_authentication_encoding() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == FENCES["dsse-pae"].encode()


def test_the_root_document_and_the_card() -> None:
    pin = signer("root 1").kid
    under = accept_root(FENCES["root-envelope"].encode(), pin, None, NOW)
    assert under == RootDocument.model_validate(json.loads(FENCES["root-document"]))
    assert under.digest == FENCES["root-digest"]
    assert ROOT_TYPE in section(10)
    accepted = accept_card(FENCES["card-envelope"].encode(), under, None, NOW)
    assert accepted == Card.model_validate(json.loads(FENCES["card-document"]))
    assert CARD_TYPE in section(11)
    assert f"`POST {ANNOUNCE_PATH}`" in section(12)


@pytest.mark.parametrize(
    ("header", "model"),
    [
        ("member \\| type \\| hashed", Envelope),
        ("member of vectors", Vectors),
        ("member of a root document", RootDocument),
        ("member of a key", Key),
        ("member of a revocation", RevokedKey),
        ("member of a term", LogTerm),
        ("member of a card", Card),
        ("member of a route", Route),
        ("member of a figure", Figure),
        ("member of limits", CardLimits),
        ("member of an announcement", Announcement),
    ],
)
def test_a_table_lists_every_member_in_order(header: str, model: type[BaseModel]) -> None:
    assert table(header) == list(model.model_fields)


@pytest.mark.parametrize(
    ("number", "reasons"),
    [
        (1, protocol.strict_json.Reason),
        (3, keys.ring.Refusal),
        (3, keys.ring.KeyPurpose),
        (8, protocol.vectors.Reason),
        (9, protocol.document.Reason),
    ],
)
def test_every_reason_is_explained(number: int, reasons: Any) -> None:
    assert [r for r in get_args(reasons) if f"`{r}`" not in section(number)] == []


def test_every_reason_of_a_document_belongs_to_a_step() -> None:
    steps = section(10) + section(11)
    assert [r for r in get_args(protocol.document.Reason) if f"`{r}`" not in steps] == []


def test_every_limit_has_its_value() -> None:
    named = re.findall(r"`([A-Z][A-Z0-9_]+)` \((\d+)\)", TEXT)
    assert len(named) > 15
    assert [(name, int(value)) for name, value in named] == [
        (name, getattr(limits, name)) for name, _ in named
    ]
