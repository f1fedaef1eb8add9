"""A value that is refused is named in plain words, with an example, and never repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from node.config import Settings
from node.encoders.registry import SETTINGS
from node.federation.ask import AskRequest
from node.ingest.jsonl import Line
from node.operations.catalogue import load_all
from node.operations.tokens import CreateToken
from node.wrong_values import PATTERNS, describe
from protocol.envelope import Envelope

CANARY = "canary-4c1d "


def refusal(model: type[BaseModel], content: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(content)
    return describe(refused.value, known=model.model_fields)


def patterns_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for part in schema.values():
            yield from patterns_in(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from patterns_in(part)


def test_every_form_that_a_person_can_miss_is_said_in_words() -> None:
    models: list[type[BaseModel]] = [each.request for each in load_all().values()]
    models += [Settings, Line, Envelope, *SETTINGS.values()]
    found = {pattern for each in models for pattern in patterns_in(each.model_json_schema())}
    assert found <= set(PATTERNS), "give these forms words in node/wrong_values.py"
    for words in PATTERNS.values():
        assert not re.search(r"\[\^|\(\?|\\x", words)


@pytest.mark.parametrize(
    ("model", "content", "says"),
    [
        (AskRequest, {"texts": ["x"]}, "purpose is missing"),
        (AskRequest, {"texts": ["x"], "purpose": CANARY}, "e.g. clinical-research"),
        (AskRequest, {"texts": ["x"], "purpose": "care", "peers": [CANARY]}, "e.g. clinic.example"),
        (AskRequest, {"texts": ["x"], "purpose": "care", "k": 0}, "k must be 1 or more"),
        (AskRequest, {"texts": ["x"], "purpose": "care", "k": CANARY}, "k must be a whole number"),
        (AskRequest, {"texts": [""], "purpose": "care"}, "texts.0 must not be empty"),
        (AskRequest, {"texts": ["x"], "purpose": "care", CANARY: 1}, "is not known (known: texts"),
        (AskRequest, {"purpose": "care"}, "the request is not valid: give either texts or vectors"),
        (AskRequest, {"texts": ["x"], "purpose": "care", "granularity": CANARY}, "must be one of"),
        (CreateToken, {"name": CANARY}, "e.g. app-1"),
        (Settings, {"organisation": "Clinic"}, "e.g. clinic.example"),
        (Settings, {"organisation": "a.example", "url": "clinic"}, "e.g. https://clinic.example"),
    ],
)
def test_it_says_what_belongs_there(
    model: type[BaseModel], content: dict[str, Any], says: str
) -> None:
    told = refusal(model, content)
    assert says in told
    if CANARY not in content:
        assert CANARY.strip() not in told
    assert "pydantic" not in told
    assert "pattern" not in told


def test_many_faults_are_counted() -> None:
    told = refusal(Line, {"id": "a", "vector": ["x"] * 9})
    assert told.count("must be a number") == 5
    assert told.endswith("; and 4 more")
