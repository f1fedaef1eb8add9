"""The vector files: this implementation reaches the outcome that they name, case by case."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from pydantic import ValidationError

from keys.words import fingerprint, safety_words
from protocol.canonical import NotCanonical, digest, dumps
from protocol.card import Card, accept_card
from protocol.document import DocumentRefused
from protocol.envelope import Envelope
from protocol.notation import to_base64url
from protocol.pairing import Side, pairing_words
from protocol.probe import PROBE_TEXTS, sketch
from protocol.root import RootDocument, accept_root
from protocol.strict_json import StrictJsonError, parse
from protocol.vectors import Vectors, VectorsRefused, decode
from tests.protocol.samples import envelope
from tests.vectors.generate import FILES, HERE, written


def load(name: str) -> Any:
    return json.loads(Path(HERE, name).read_text(encoding="utf-8"))


def named(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_as_they_were_generated(name: str) -> None:
    assert (HERE / name).read_text(encoding="utf-8") == written(name)


@pytest.mark.parametrize("case", load("canonical.json")["accepted"])
def test_canonical_json(case: dict[str, Any]) -> None:
    assert dumps(case["value"]).decode() == case["canonical"]
    assert digest(case["canonical"].encode()) == case["digest"]


@named(load("canonical.json")["refused"])
def test_what_has_no_canonical_form(case: dict[str, Any]) -> None:
    with pytest.raises(NotCanonical):
        dumps(orjson.loads(case["json"]))


@named(load("strict_json.json"))
def test_strict_json(case: dict[str, Any]) -> None:
    limits = case["max_bytes"], case["max_depth"], case["max_items"]
    try:
        parse(base64.b64decode(case["base64"]), *limits)
        outcome = "accepted"
    except StrictJsonError as error:
        outcome = error.reason
    assert outcome == case["outcome"]


@named(load("envelopes.json")["accepted"])
def test_envelopes(case: dict[str, Any]) -> None:
    read = Envelope.model_validate(case["envelope"])
    assert dumps(read.space_fields).decode() == case["hashed"]
    assert read.space_id == case["space_id"] == digest(case["hashed"].encode())


@named(load("envelopes.json")["refused"])
def test_what_is_no_envelope(case: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Envelope.model_validate(case["envelope"])


@named(load("vectors.json"))
def test_vectors(case: dict[str, Any]) -> None:
    outcome: Any
    try:
        rows = decode(Vectors.model_validate(case["vectors"]), envelope(**case["envelope"]))
        outcome = rows.tolist()
    except VectorsRefused as error:
        outcome = error.reason
    assert outcome == case["outcome"]


def test_probe() -> None:
    case = load("probe.json")
    assert tuple(case["texts"]) == PROBE_TEXTS
    assert to_base64url(sketch(np.asarray(case["vectors"], dtype=np.float32))) == case["sketch"]


def test_words() -> None:
    cases = load("words.json")
    for case in cases["fingerprints"]:
        assert " ".join(fingerprint(bytes.fromhex(case["public"]))) == case["words"]
    for case in cases["safety"]:
        assert " ".join(safety_words(bytes.fromhex(case["material"]))) == case["words"]
    for case in cases["pairing"]:
        sides = (Side(**case["inviter"]), Side(**case["requester"]))
        assert pairing_words(*sides) == case["words"]


@named(load("roots.json"))
def test_root_documents(case: dict[str, Any]) -> None:
    previous = case["previous"] and RootDocument.model_validate(json.loads(case["previous"]))
    try:
        accept_root(
            case["raw"].encode(),
            case["pinned"],
            previous,
            case["at"],
            organisation=case["organisation"],
            intermediate=case["intermediate"],
        )
        outcome = "accepted"
    except DocumentRefused as error:
        outcome = error.reason
    assert outcome == case["outcome"]


@named(load("cards.json"))
def test_cards(case: dict[str, Any]) -> None:
    under = RootDocument.model_validate(json.loads(case["root"]))
    previous = case["previous"] and Card.model_validate(json.loads(case["previous"]))
    try:
        accept_card(case["raw"].encode(), under, previous, case["at"])
        outcome = "accepted"
    except DocumentRefused as error:
        outcome = error.reason
    assert outcome == case["outcome"]
