"""A connection that says nothing in time is closed; one that works is left alone."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from node.listeners import connections as room
from node.listeners.connections import Connections
from node.listeners.listening import listening
from tests.node.listeners.raw import exchange


class Where:
    host = "127.0.0.1"
    port = 0


def slow_app(connections: Connections) -> web.Application:
    async def handle(request: web.Request) -> web.Response:
        del request
        await asyncio.sleep(0.4)
        return web.Response(text="done")

    app = web.Application(middlewares=[connections.middleware()])
    app.router.add_get("/", handle)
    return app


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    monkeypatch.setattr(room, "SWEEP_S", 0.02)
    return Connections(10, first_request_s=0.2, idle_s=0.2)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the server closes, by whichever way."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: x\r\nA: b"])
async def test_a_request_head_that_never_ends_is_given_up(
    connections: Connections, sent: bytes
) -> None:
    async with listening("test", slow_app(connections), connections, Where(), 1) as where:
        reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
        writer.write(sent)
        assert await rest(reader) == b""
        writer.close()
        assert len(connections) == 0


async def test_a_request_that_is_handled_has_no_deadline(connections: Connections) -> None:
    async with listening("test", slow_app(connections), connections, Where(), 1) as where:
        answer = await exchange(where.port, "GET / HTTP/1.1")
    assert (answer.status, answer.body) == (200, b"done")


async def test_an_idle_connection_is_closed_after_its_request(connections: Connections) -> None:
    async with listening("test", slow_app(connections), connections, Where(), 1) as where:
        reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await reader.readuntil(b"done")
        assert await rest(reader) == b""
        writer.close()
