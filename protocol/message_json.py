"""How bytes become a message.

The rule of this file: strict JSON first, then the model, and one refusal for whatever is wrong. It
reads bytes whose sender is authenticated, so the refusal may name the member that is wrong; it
never quotes content.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from protocol.limits import MAX_JSON_DEPTH
from protocol.notation import WireModel
from protocol.problems import Code, Refused
from protocol.strict_json import StrictJsonError, parse

M = TypeVar("M", bound=WireModel)


def read_object(raw: bytes, max_bytes: int, max_items: int) -> dict[str, Any]:
    """Return the JSON object in `raw`; Refused with `message-invalid`."""
    try:
        return parse(raw, max_bytes, MAX_JSON_DEPTH, max_items)
    except StrictJsonError as error:
        raise _invalid(str(error)) from None


def build(model: type[M], fields: dict[str, Any]) -> M:
    """Return the message with these members; Refused with `message-invalid`."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise _invalid(_first(error.errors(include_input=False, include_url=False)[0])) from None


def _invalid(detail: str) -> Refused:
    return Refused(Code.MESSAGE_INVALID, detail, authenticated=True, detail=detail)


def _first(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part)[:64] for part in error["loc"][:6]) or "the message"
    text = f"{place}: {error['msg']}"
    return "".join(c if c.isprintable() else "?" for c in text)
