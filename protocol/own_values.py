"""What this node itself puts on record: models made and written without judging them once more.

The rule of this file: a model judges what others send. What a node says in its own leaves was
judged where it came from (an accepted request, a read policy, an own collection), so `stated` takes
it as it is, and `members` gives it to a JSON writer as it is. That the bytes are those of a judged
model is tested over values of every kind; whoever reads a leaf judges all of it.
"""

from functools import cache
from typing import Any, TypeVar

from pydantic_core import PydanticUndefined

from protocol.notation import WireModel

M = TypeVar("M", bound=WireModel)


def stated(kind: type[M], **fields: Any) -> M:
    """Return a model of values that were judged before; fields that are left out get their default.

    Raises TypeError for a field that the kind does not have or that is missing; a default that is
    made anew each time (a salt) is to be given.
    """
    defaults, required, known = _shape(kind)
    if not required <= fields.keys() <= known:
        wrong = sorted((required - fields.keys()) | (fields.keys() - known))
        raise TypeError(f"{kind.__name__}: missing or unknown: {', '.join(wrong)}")
    model = kind.__new__(kind)
    # the four attributes that a pydantic model consists of
    object.__setattr__(model, "__dict__", defaults | fields)
    object.__setattr__(model, "__pydantic_fields_set__", set(fields))
    object.__setattr__(model, "__pydantic_extra__", None)
    object.__setattr__(model, "__pydantic_private__", None)
    return model


def altered(model: M, **fields: Any) -> M:
    """Return a copy of a model with other values for these fields, which were judged before.

    The model holds nothing but its fields (no property that it has computed once).
    """
    copy = type(model).__new__(type(model))
    object.__setattr__(copy, "__dict__", model.__dict__ | fields)
    object.__setattr__(copy, "__pydantic_fields_set__", model.__pydantic_fields_set__)
    object.__setattr__(copy, "__pydantic_extra__", None)
    object.__setattr__(copy, "__pydantic_private__", None)
    return copy


def members(value: object) -> dict[str, Any]:
    """Return a model's fields by name, absent ones left out; TypeError for anything but a model.

    Models among the values stay what they are: for a writer that asks for each of them.
    """
    if not isinstance(value, WireModel):
        raise TypeError(f"{type(value).__name__} has no members")
    return {name: field for name, field in vars(value).items() if field is not None}


@cache
def _shape(kind: type[WireModel]) -> tuple[dict[str, Any], frozenset[str], frozenset[str]]:
    """Defaults by name, the names that have none, and all names."""
    fields = kind.model_fields.items()
    defaults = {n: f.default for n, f in fields if f.default is not PydanticUndefined}
    known = frozenset(kind.model_fields)
    return defaults, known - frozenset(defaults), known
