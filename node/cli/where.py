"""`--where`: a filter on metadata, as people write it.

language=en            the field has this value
language=en,de         one of these
year=2019..2024        a whole number in this range, both ends included; an end may be left out
code="2019"            in quotes it is text, also where it looks like a number
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer

_WHOLE = re.compile(r"-?[0-9]{1,16}")
_RANGE = re.compile(rf"({_WHOLE.pattern})?\.\.({_WHOLE.pattern})?")


def read_where(options: Sequence[str]) -> dict[str, Any]:
    """Return the filter's members, by field. Raises typer.BadParameter."""
    conditions: dict[str, Any] = {}
    for option in options:
        field, equals, text = option.partition("=")
        if not equals or not field or not text:
            raise typer.BadParameter(
                f"{option!r} is not FIELD=VALUE, such as year=2019..2024", param_hint="--where"
            )
        if field in conditions:
            raise typer.BadParameter(
                f"{field} is named twice; write {field}=A,B for one of several",
                param_hint="--where",
            )
        conditions[field] = _condition(text)
    return conditions


def _condition(text: str) -> dict[str, Any]:
    found = _RANGE.fullmatch(text)
    if found and text != "..":
        least, most = (int(end) if end else None for end in found.groups())
        return {"least": least, "most": most}
    return {"any_of": [_value(each) for each in text.split(",")]}


def _value(text: str) -> int | str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1]
    return int(text) if _WHOLE.fullmatch(text) else text
