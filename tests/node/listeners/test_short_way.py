"""Both ways answer alike, one request after the other, whoever sends how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from node.federation.replies import RawResponse
from node.listeners import connections as room
from node.listeners.bodies import Bodies
from node.listeners.connections import Connections
from node.listeners.listening import listening
from node.listeners.short_way import ShortWay
from node.metrics import Metrics
from protocol.accept_query import RawRequest
from tests.conftest import NewNode, Serving

PLAIN = b"POST /federation/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"


class Where:
    host = "127.0.0.1"
    port = 0


class Responder:
    """Answers with the body that it was given, when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.let.set()
        self.begun = asyncio.Semaphore(0)

    async def answer(self, request: RawRequest, remote: str) -> RawResponse:
        assert remote == "127.0.0.1"
        self.begun.release()
        await self.let.wait()
        if request.body == b"!":
            raise RuntimeError("broken")
        return RawResponse(200, (("X-Long", "y"),), request.body * 3)


Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def asked(responder: Responder) -> AsyncIterator[Client]:
    """A connection to a listener of which every request takes the short way."""
    connections, bodies = Connections(10, idle_s=0.2), Bodies(100, 1.0)
    app = web.Application()
    connections.short_way = ShortWay(responder.answer, bodies, lambda: 0, Metrics(), "test")
    async with listening("test", app, connections, Where(), 1) as where:
        reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
        yield reader, writer
    writer.close()


async def body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))


async def test_a_request_that_overtakes_waits_for_its_turn() -> None:
    responder = Responder()
    async with asked(responder) as (reader, writer):
        responder.let.clear()
        writer.write(PLAIN + b"1")
        await responder.begun.acquire()
        for number in (b"2", b"3"):
            writer.write(PLAIN + number)
            await asyncio.sleep(0.01)
        assert responder.begun.locked()  # no other one has begun
        responder.let.set()
        assert [await body(reader) for _ in range(3)] == [b"111", b"222", b"333"]


async def test_a_failure_is_a_problem_and_the_connection_goes_on() -> None:
    async with asked(Responder()) as (reader, writer):
        writer.write(PLAIN + b"!")
        assert b'"unexpected"' in await body(reader)
        writer.write(PLAIN + b"4")
        assert await body(reader) == b"444"


async def test_stopping_lets_the_request_under_way_end() -> None:
    responder = Responder()
    async with asked(responder) as (reader, writer):
        responder.let.clear()
        writer.write(PLAIN + b"1")
        await responder.begun.acquire()
        asyncio.get_running_loop().call_later(0.05, responder.let.set)
    assert await body(reader) == b"111"


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SWEEP_S", 0.02)
    async with asked(Responder()) as (reader, writer):
        writer.write(PLAIN + b"1")
        assert await body(reader) == b"111"
        with suppress(ConnectionResetError):
            assert await reader.read() == b""


async def test_a_node_answers_alike_on_both_ways(new_node: NewNode, serving: Serving) -> None:
    async with serving(new_node) as listeners:
        assert listeners.federation is not None
        _, _, port = listeners.federation.url.rpartition(":")
        answers = []
        for further in (b"", b"Connection: keep-alive\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
            writer.write(PLAIN.replace(b"Host", further + b"Host") + b"x")
            head = await reader.readuntil(b"\r\n\r\n")
            lines = sorted(line for line in head.split(b"\r\n") if not line.startswith(b"Date"))
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answers.append((lines, await reader.readexactly(length)))
            writer.close()
    assert answers[0] == answers[1]
    assert b'"malformed-request"' in answers[0][1] or b"unsupported" in answers[0][1]
