"""A filter on documents' metadata, as a question may carry one.

The rule of this file: the grammar is small and closed. A filter names fields; every one of its
conditions must hold. A condition is either a list of values of which the field has one, or a range
of whole numbers, both ends included. There is no negation, no pattern and no nesting: a filter
narrows what is searched, it does not compute.

    {"language":{"any_of":["en","de"]},"year":{"least":2019,"most":2024}}
"""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from protocol.limits import MAX_FILTER_CHARS, MAX_FILTER_FIELDS, MAX_FILTER_VALUES
from protocol.notation import MAX_SAFE_INTEGER, WireModel

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
"""A field at the top of a document's metadata: `year`, `study-type`."""

Whole = Annotated[int, Field(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
Value = Whole | Annotated[str, StringConstraints(min_length=1, max_length=MAX_FILTER_CHARS)]
"""A whole number or a text. They differ: `2020` is not `"2020"`."""


class Condition(WireModel):
    """What one field must be: one of `any_of`, or a whole number from `least` to `most`.

    A field that holds a list fulfils it when one of its entries does; one that is missing never.
    """

    any_of: (
        Annotated[
            tuple[Value, ...], Field(strict=False, min_length=1, max_length=MAX_FILTER_VALUES)
        ]
        | None
    ) = None
    least: Whole | None = None
    most: Whole | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "Condition":
        ranged = self.least is not None or self.most is not None
        if ranged == (self.any_of is not None):
            raise ValueError("a condition is either any_of, or least and most or one of them")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least exceeds most")
        return self


MetadataFilter = Annotated[
    dict[FieldName, Condition], Field(min_length=1, max_length=MAX_FILTER_FIELDS)
]
"""Conditions by field, all of which must hold."""
