"""The notation of names, addresses, times and bytes."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from protocol.notation import (
    Authority,
    BaseUrl,
    CollectionName,
    Organisation,
    Text,
    Time,
    WireModel,
    from_base64url,
    to_base64url,
)

ACCEPTED = [
    (Organisation, "clinic.example"),
    (Organisation, "a"),
    (Organisation, "xn--bcher-kva.example"),
    (CollectionName, "papers-2026_a"),
    (Authority, "clinic.example:8443"),
    (Authority, "clinic.example"),
    (Authority, "127.0.0.1:1"),
    (Authority, "[::1]:8443"),
    (BaseUrl, "https://clinic.example:8443"),
    (BaseUrl, "http://[::1]:8443"),
    (Text, "Größe: 12 µm, 日本"),
]
REFUSED = [
    (Organisation, ""),
    (Organisation, "Clinic.example"),
    (Organisation, "clinic.example."),
    (Organisation, "clinic..example"),
    (Organisation, "-clinic.example"),
    (Organisation, "clinic_.example"),
    (Organisation, "clinic.example\n"),
    (Organisation, "a" * 64),
    (Organisation, "clínic.example"),
    (CollectionName, "Papers"),
    (CollectionName, "../papers"),
    (CollectionName, "a" * 65),
    (Authority, "Clinic.example"),
    (Authority, "user@clinic.example"),
    (Authority, "clinic.example:0"),
    (Authority, "clinic.example:080"),
    (Authority, "clinic.example:123456"),
    (Authority, "clinic.example/"),
    (BaseUrl, "https://clinic.example/"),
    (BaseUrl, "ftp://clinic.example"),
    (BaseUrl, "https://user@clinic.example"),
    (BaseUrl, "https://clinic.example?x"),
    (Text, ""),
    (Text, "two\nlines"),
    (Text, "\x1b[31mred"),
    (Text, "\x85"),
    (Text, "turned \u202e round"),
    (Text, "a" * 257),
]


@pytest.mark.parametrize(("kind", "value"), ACCEPTED)
def test_accepted(kind: type[str], value: str) -> None:
    assert TypeAdapter(kind).validate_python(value) == value


@pytest.mark.parametrize(("kind", "value"), REFUSED)
def test_refused(kind: type[str], value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


class Sample(WireModel):
    at: Time
    name: Organisation


@pytest.mark.parametrize("at", ["1", 1.0, True, None, -1, 2**53])
def test_nothing_but_an_integer_in_range_is_a_time(at: object) -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate({"at": at, "name": "clinic.example"})


def test_a_wire_model_refuses_unknown_fields_and_change() -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate({"at": 1, "name": "clinic.example", "more": 1})
    with pytest.raises(ValidationError):
        Sample(at=1, name="clinic.example").at = 2  # type: ignore[misc] # the point


@given(st.binary(max_size=100))
def test_base64url_comes_back_and_is_the_standard_librarys(raw: bytes) -> None:
    text = to_base64url(raw)
    assert text == base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert from_base64url(text) == raw


@given(st.text(st.characters(max_codepoint=127), max_size=12) | st.text(max_size=6))
def test_bytes_have_one_spelling(text: str) -> None:
    try:
        raw = from_base64url(text)
    except ValueError:
        return
    assert to_base64url(raw) == text


@pytest.mark.parametrize("text", ["A", "AB", "AAAA=", "AA==", "+/+/", "AA AA", "A\nAA", "é"])
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        from_base64url(text)
