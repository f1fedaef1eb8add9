"""Header fields: sizes first, each field once, printable ASCII."""

import pytest

from protocol.header_fields import FieldsMalformed, FieldsTooLarge, read_fields
from protocol.limits import MAX_HEADER_BYTES, MAX_HEADERS, MAX_HEADERS_BYTES

WANTED = frozenset({b"signature", b"content-type"})


def test_names_are_read_without_regard_to_case_and_others_skipped() -> None:
    headers = [(b"SIGNATURE", b"a"), (b"Content-Type", b"b c"), (b"Host", b"x"), (b"\xff", b"\xff")]
    assert read_fields(headers, WANTED) == {"signature": "a", "content-type": "b c"}
    assert read_fields([], WANTED) == {}


@pytest.mark.parametrize(
    "value", [b"", b" a", b"a ", b"a\tb", b"a\r\nb", b"a\x00", b"a\x7f", b"\xc3\xa4", b"\xff"]
)
def test_a_value_is_printable_ascii_without_padding(value: bytes) -> None:
    with pytest.raises(FieldsMalformed):
        read_fields([(b"signature", value)], WANTED)


def test_a_field_stands_there_once_however_it_is_spelled() -> None:
    with pytest.raises(FieldsMalformed, match="twice"):
        read_fields([(b"signature", b"a"), (b"Signature", b"a")], WANTED)
    assert read_fields([(b"x", b"a"), (b"x", b"b")], WANTED) == {}


def test_the_largest_sizes_are_accepted_and_one_more_is_not() -> None:
    longest = b"a" * MAX_HEADER_BYTES
    assert read_fields([(b"signature", longest)], WANTED)["signature"] == longest.decode()
    with pytest.raises(FieldsTooLarge):
        read_fields([(b"signature", longest + b"a")], WANTED)
    assert read_fields([(b"x", b"")] * MAX_HEADERS, WANTED) == {}
    with pytest.raises(FieldsTooLarge):
        read_fields([(b"x", b"")] * (MAX_HEADERS + 1), WANTED)
    assert read_fields([(b"x", b"a" * (MAX_HEADERS_BYTES - 1))], WANTED) == {}
    with pytest.raises(FieldsTooLarge):
        read_fields([(b"x", b"a" * MAX_HEADERS_BYTES)], WANTED)
