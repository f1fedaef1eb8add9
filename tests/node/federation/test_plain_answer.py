"""What the short reading takes of an answer, aiohttp's parser reads alike; the rest it leaves."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpResponseParser
from hypothesis import given
from hypothesis import strategies as st

from node.federation.plain_answer import read_head, write_request
from protocol.accept_answer import RawAnswer

BODY = b'{"v":1}'
PLAIN = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSignature: a=:AbC=:\r\n"
    b"Content-Length: 7\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n" + BODY
)
BITS = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b": ", b"\x00", b"\xff",
    b"200", b"204", b"304", b"100", PLAIN,
    b"Content-Length: 7\r\n", b"Content-Length: 07\r\n", b"content-length: 7",
    b"Connection: close\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Connection: keep-alive\r\n", b"Content-Encoding: gzip\r\n",
    b"Upgrade: websocket\r\n", b"HTTP/1.0", b" HTTP/1.1", b"0\r\n\r\n", b"Set-Cookie: a=b\r\n",
]  # fmt: skip


def short(data: bytes) -> RawAnswer | None:
    """What the short reading makes of one whole answer."""
    end = data.find(b"\r\n\r\n") + 4
    head = read_head(data[:end])
    if head is None or len(data) != end + head.length:
        return None
    return RawAnswer(head.status, head.headers, data[end:])


def general(data: bytes) -> tuple[RawAnswer, bool] | None:
    """The same by aiohttp's parser, and whether the connection is to be kept."""

    async def parse() -> tuple[RawAnswer, bool] | None:
        loop = asyncio.get_running_loop()
        protocol = BaseProtocol(loop)
        parser = HttpResponseParser(
            protocol, loop, 2**16, max_line_size=8190, max_field_size=8190, auto_decompress=False
        )
        protocol._parser = parser
        messages, upgraded, tail = parser.feed_data(data)
        if len(messages) != 1 or upgraded or tail:
            return None
        ((message, payload),) = messages
        if not payload.is_eof():
            return None
        answer = RawAnswer(message.code, message.raw_headers, await payload.read())
        return answer, not message.should_close

    return asyncio.run(parse())


def test_a_plain_answer_is_read() -> None:
    answer = short(PLAIN)
    assert answer is not None
    assert (answer.status, answer.body) == (200, BODY)
    assert general(PLAIN) == (answer, True)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"200", b"100"),
        PLAIN.replace(b"200", b"204"),
        PLAIN.replace(b": 7", b": 07"),
        PLAIN.replace(b": 7", b": +7"),
        PLAIN.replace(b"Content-Length: 7\r\n", b""),
        PLAIN.replace(b"Signature", b"content-length: 7\r\nSignature"),
        PLAIN.replace(b"Signature", b"Transfer-Encoding: chunked\r\nSignature"),
        PLAIN.replace(b"Signature", b"Connection: upgrade\r\nSignature"),
        PLAIN.replace(b"Signature: ", b"Signature:"),
        PLAIN.replace(b"Signature: a", b"Signature: \r\n a"),
        PLAIN.replace(b"Signature: a", b"Signature: " + b"a" * 8190),
    ],
)
def test_whatever_is_not_plain_is_left_to_aiohttp(data: bytes) -> None:
    assert short(data) is None


@given(
    st.lists(
        st.tuples(st.integers(0, len(PLAIN)), st.integers(0, 12), st.sampled_from(BITS)),
        max_size=3,
    )
)
def test_what_is_read_the_short_way_reads_the_same_in_general(
    edits: list[tuple[int, int, bytes]],
) -> None:
    data = PLAIN
    for at, dropped, put in edits:
        data = data[:at] + put + data[at + dropped :]
    answer = short(data)
    if answer is not None:
        found = general(data)
        assert found is not None
        head = read_head(data[: data.find(b"\r\n\r\n") + 4])
        assert head is not None
        assert found == (answer, head.keeps)


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", "", " a", "a ", "\u00e9", "a\x00"])
def test_a_field_that_is_not_plain_is_not_written(value: str) -> None:
    assert write_request("POST", "/a", "clinic.example", [("Signature", value)], b"{}") is None
    assert write_request("POST", "/a", "clinic.example\r\n", [], b"{}") is None
