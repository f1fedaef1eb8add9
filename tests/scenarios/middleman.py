"""Whoever sits between two nodes: reads everything, and may change, delay, cut or invent it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
from aiohttp import web

HOP_BY_HOP = frozenset({b"transfer-encoding", b"connection", b"keep-alive", b"content-length"})


@dataclass(frozen=True)
class Message:
    """A request or an answer as it passed: `line` is the path with query, or empty."""

    line: str
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The value of a header."""
        wanted = name.lower().encode()
        return next(value.decode() for key, value in self.headers if key.lower() == wanted)

    def with_header(self, name: str, value: str) -> Message:
        """The same with another value of one header."""
        wanted = name.lower().encode()
        changed = tuple(
            (key, value.encode()) if key.lower() == wanted else (key, old)
            for key, old in self.headers
        )
        return replace(self, headers=changed)


async def unchanged(message: Message) -> Message:
    """What an honest wire does."""
    return message


@dataclass
class Middleman:
    """A proxy in front of one node."""

    port: int
    target: str = ""
    on_request: Callable[[Message], Awaitable[Message]] = unchanged
    on_answer: Callable[[Message], Awaitable[Message]] = unchanged
    requests: list[Message] = field(default_factory=list)
    answers: list[Message] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where partners believe the node to be."""
        return f"http://127.0.0.1:{self.port}"

    async def send(self, message: Message, target: str | None = None) -> Message:
        """Send a request to the node, or to another one, as whoever recorded it could."""
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                "POST" if message.body else "GET",
                (target or self.target) + message.line,
                headers=[
                    (key.decode(), value.decode())
                    for key, value in message.headers
                    if key.lower() not in HOP_BY_HOP
                ],
                data=message.body or None,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                allow_redirects=False,
            ) as answer,
        ):
            body = await answer.read()
            return Message("", answer.status, tuple(answer.raw_headers), body)

    async def handle(self, request: web.Request) -> web.Response:
        """Pass one exchange on."""
        body = await request.read()
        asked = Message(request.raw_path, 0, tuple(request.raw_headers), body)
        self.requests.append(asked)
        answer = await self.send(await self.on_request(asked))
        self.answers.append(answer)
        shown = await self.on_answer(answer)
        headers = [
            (key.decode(), value.decode())
            for key, value in shown.headers
            if key.lower() not in HOP_BY_HOP
        ]
        return web.Response(status=shown.status, headers=headers, body=shown.body)

    def queries(self) -> list[Message]:
        """The questions that passed."""
        return [one for one in self.requests if one.line == "/federation/v1/query"]


def on_query(
    change: Callable[[Message], Message],
) -> Callable[[Message], Awaitable[Message]]:
    """Change questions and nothing else."""

    async def act(message: Message) -> Message:
        return change(message) if message.line == "/federation/v1/query" else message

    return act


@asynccontextmanager
async def middleman(port: int) -> AsyncIterator[Middleman]:
    """Run one on a port; set `target` to the node's real address."""
    made = Middleman(port)
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{anything:.*}", made.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield made
    finally:
        await runner.cleanup()


async def forever(_message: Message) -> Message:
    """Never come back."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
