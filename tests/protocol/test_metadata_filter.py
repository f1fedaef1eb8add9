"""Filters on metadata: a closed grammar, read strictly."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from protocol.limits import MAX_FILTER_FIELDS, MAX_FILTER_VALUES
from protocol.metadata_filter import Condition, MetadataFilter

FILTER: TypeAdapter[dict[str, Condition]] = TypeAdapter(MetadataFilter)
numbers = st.integers(-(2**53) + 1, 2**53 - 1)
conditions = st.one_of(
    st.fixed_dictionaries(
        {"any_of": st.lists(st.one_of(numbers, st.text(min_size=1, max_size=9)), min_size=1)}
    ),
    st.lists(numbers, min_size=2, max_size=2).map(
        lambda ends: {"least": min(ends), "most": max(ends)}
    ),
    st.fixed_dictionaries({"least": numbers}),
)


@given(conditions)
def test_a_filter_is_what_was_written(condition: dict[str, Any]) -> None:
    read = FILTER.validate_python({"year": condition})
    assert read["year"].model_dump(mode="json", exclude_none=True) == condition
    assert FILTER.validate_json(FILTER.dump_json(read, exclude_none=True)) == read


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"": {"any_of": [1]}},
        {'a"b': {"any_of": [1]}},
        {"year": {}},
        {"year": {"any_of": []}},
        {"year": {"any_of": [True]}},
        {"year": {"any_of": [1.0]}},
        {"year": {"any_of": [None]}},
        {"year": {"any_of": [1], "least": 1}},
        {"year": {"least": 2, "most": 1}},
        {"year": {"least": "1"}},
        {"year": {"least": 2**53}},
        {"year": {"not": [1]}},
        {"year": 2020},
        {"year": {"any_of": [""]}},
        {"year": {"any_of": list(range(MAX_FILTER_VALUES + 1))}},
        {f"f{n}": {"any_of": [1]} for n in range(MAX_FILTER_FIELDS + 1)},
    ],
)
def test_anything_else_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        FILTER.validate_python(wrong)
