"""`--where` as people write it."""

from typing import Any

import pytest
import typer

from node.cli.where import read_where
from node.federation.ask import AskRequest


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("year=2020", {"any_of": [2020]}),
        ("year=2019..2024", {"least": 2019, "most": 2024}),
        ("year=..2024", {"least": None, "most": 2024}),
        ("change=-3..", {"least": -3, "most": None}),
        ("language=en,de", {"any_of": ["en", "de"]}),
        ('code="2020"', {"any_of": ["2020"]}),
        ("formula=a=b", {"any_of": ["a=b"]}),
        ("dots=..", {"any_of": [".."]}),
    ],
)
def test_a_condition_is_read(text: str, condition: dict[str, Any]) -> None:
    (read,) = read_where([text]).values()
    assert read == condition
    asked = AskRequest.model_validate(
        {"texts": ("q",), "purpose": "p", "filter": read_where([text])}
    )
    assert asked.filter is not None


@pytest.mark.parametrize("options", [["year"], ["=2020"], ["year="], ["year=1", "year=2"]])
def test_what_is_no_condition_is_refused(options: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        read_where(options)
