"""What the short reading takes, aiohttp's parser reads alike; the rest it leaves alone."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from node.listeners.whole_request import read_whole
from protocol.accept_query import RawRequest

BODY = b'{"v":1}'
PLAIN = (
    b"POST /federation/v1/query HTTP/1.1\r\nHost: Clinic.example:8443\r\n"
    b'Content-Type: application/json\r\nSignature: q=:AbC=:\r\nContent-Length: 7\r\n\r\n{"v":1}'
)
BITS = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b": ", b"\x00", b"\xff", b"?", b"#", b"%20", b"/",
    b"Content-Length: 7\r\n", b"Content-Length: 07\r\n", b"content-length: 7", b"Host: b\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n",
    b"Upgrade: websocket\r\n", b"Accept: */*\r\n", b"GET ", b"HTTP/1.0", b" HTTP/1.1", b"0\r\n\r\n",
    PLAIN,
]  # fmt: skip


def general(data: bytes) -> RawRequest | None:
    """What aiohttp's parser makes of the same bytes, if it is one whole request and keeps open."""

    async def parse() -> RawRequest | None:
        loop = asyncio.get_running_loop()
        protocol = BaseProtocol(loop)
        parser = HttpRequestParser(
            protocol, loop, 2**16, max_line_size=8190, max_field_size=8190, auto_decompress=False
        )
        protocol._parser = parser
        messages, upgraded, tail = parser.feed_data(data)
        if len(messages) != 1 or upgraded or tail:
            return None
        ((message, payload),) = messages
        if not payload.is_eof():
            return None
        body = await payload.read()
        assert not message.should_close
        assert not message.compression
        path, mark, _ = message.path.partition("?")
        assert not mark
        host = message.headers["Host"].lower()
        return RawRequest(message.method, host, path, "", message.raw_headers, body)

    return asyncio.run(parse())


def test_a_plain_request_is_read() -> None:
    request = read_whole(PLAIN)
    assert request is not None
    assert (request.authority, request.body) == ("clinic.example:8443", BODY)
    assert request == general(PLAIN)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:-1],
        PLAIN + b"x",
        PLAIN + PLAIN,
        PLAIN.replace(b"query", b"other"),
        PLAIN.replace(b"POST", b"PUT"),
        PLAIN.replace(b": 7", b": 07"),
        PLAIN.replace(b": 7", b": +7"),
        PLAIN.replace(b"Host", b"Connection: close\r\nHost"),
        PLAIN.replace(b"Host", b"Host: a\r\nhost"),
        PLAIN.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length"),
        PLAIN.replace(b"Signature: ", b"Signature:\t"),
        PLAIN.replace(b"Signature: ", b"Signature:  "),
        PLAIN.replace(b"Signature: q", b"Signature: \r\n q"),
        PLAIN.replace(b"Host: Clinic.example:8443\r\n", b""),
        PLAIN.replace(b"Signature: q", b"Signature: " + b"q" * 8190),
    ],
)
def test_whatever_is_not_plain_is_left_to_the_general_parser(data: bytes) -> None:
    assert read_whole(data) is None


@given(
    st.lists(
        st.tuples(st.integers(0, len(PLAIN)), st.integers(0, 12), st.sampled_from(BITS)),
        max_size=3,
    )
)
def test_what_is_read_at_once_reads_the_same_in_general(
    edits: list[tuple[int, int, bytes]],
) -> None:
    data = PLAIN
    for at, dropped, put in edits:
        data = data[:at] + put + data[at + dropped :]
    request = read_whole(data)
    assert request is None or request == general(data)
