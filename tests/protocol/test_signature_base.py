"""The signature base's grammar: nothing that could make two messages share one base."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.signature_base import Component, NotSignable, signature_base, signature_params

METHOD, PATH = '"@method"', '"@path"'


def test_components_are_serialised_with_their_parameters() -> None:
    assert str(Component("@status")) == '"@status"'
    assert str(Component("@method", req=True)) == '"@method";req'
    assert str(Component("signature", req=True, key="q")) == '"signature";req;key="q"'
    assert str(Component("signature", key="q")) == '"signature";key="q"'


def test_parameters_keep_their_order_and_are_escaped() -> None:
    params = signature_params([METHOD], [("nonce", 'a"b\\c'), ("created", 1)])
    assert params == '("@method");nonce="a\\"b\\\\c";created=1'
    assert signature_params([], []) == "()"
    for bad in ("a\nb", "ä", "\x7f"):
        with pytest.raises(NotSignable):
            signature_params([], [("nonce", bad)])


def test_each_component_is_one_line() -> None:
    base = signature_base([METHOD, PATH], ["POST", "/x"], "()")
    assert base == b'"@method": POST\n"@path": /x\n"@signature-params": ()'


def test_a_component_is_covered_once_and_has_a_value() -> None:
    with pytest.raises(NotSignable, match="twice"):
        signature_base([METHOD, METHOD], ["POST", "POST"], "()")
    with pytest.raises(NotSignable):
        signature_base([METHOD, PATH], ["POST"], "()")


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "\n", 'POST\n"@path": /x', "a\u2028b"])
def test_a_value_cannot_make_a_second_line(value: str) -> None:
    with pytest.raises(NotSignable):
        signature_base([METHOD], [value], "()")


@given(value=st.text(max_size=20))
def test_a_value_is_one_line_of_ascii(value: str) -> None:
    if value.isascii() and not set("\r\n") & set(value):
        assert signature_base([METHOD], [value], "()").decode().count("\n") == 1
    else:
        with pytest.raises(NotSignable):
            signature_base([METHOD], [value], "()")
