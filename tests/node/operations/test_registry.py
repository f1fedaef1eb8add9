"""Operations: found by name, described, and never registered twice."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from node.node import Node
from node.operations.caller import OPERATOR, acting_as, caller
from node.operations.catalogue import MODULES, find, load_all
from node.operations.errors import NotFound
from node.operations.registry import NoRequest, Progress, operation, registered


class Nothing(BaseModel):
    """No result."""


def test_every_group_has_operations_and_every_operation_its_group() -> None:
    operations = load_all()
    groups = {name.partition(".")[0] for name in operations if not name.startswith("probe")}
    assert groups == {name.partition(".")[0] for name in MODULES}


def test_every_operation_has_models_and_a_summary() -> None:
    for name, each in load_all().items():
        assert issubclass(each.request, BaseModel), name
        assert issubclass(each.result, BaseModel), name
        assert each.summary.endswith("."), name


def test_every_request_refuses_what_it_does_not_know() -> None:
    for name, each in load_all().items():
        assert each.request.model_config.get("extra") == "forbid", name


@pytest.mark.parametrize(
    "name", ["", "token", "token.", "token.destroy", "nothing.create", "a.b.c"]
)
def test_an_unknown_operation_is_refused(name: str) -> None:
    with pytest.raises(NotFound) as refused:
        find(name)
    assert refused.value.code == "unknown-operation"


def test_a_name_is_registered_once_and_with_a_docstring() -> None:
    async def handler(node: Node, request: NoRequest, progress: Progress) -> Nothing:
        del node, request, progress
        return Nothing()

    before = registered()
    with pytest.raises(ValueError, match="docstring"):
        operation("probe.undocumented")(handler)
    handler.__doc__ = "Do nothing."
    find("token.list")
    with pytest.raises(ValueError, match="twice"):
        operation("token.list")(handler)
    assert set(before) <= set(registered())


def test_the_caller_is_the_operator_unless_a_token_acts() -> None:
    assert caller() == OPERATOR
    with acting_as("anna"):
        assert caller() == "anna"
    assert caller() == OPERATOR
